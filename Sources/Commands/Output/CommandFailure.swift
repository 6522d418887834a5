// CommandFailure: an error as the command line shows it: `error[code]: what is wrong`, and what mends it.

import Foundation

/// A failure with its mend. The exit code is 1.
struct CommandFailure: Error, CustomStringConvertible {
    var code: String
    var message: String
    var mend: String

    init(_ code: String, _ message: String, mend: String) {
        self.code = code
        self.message = message
        self.mend = mend
    }

    var description: String { "error[\(code)]: \(message)\n  \(mend)" }
}

/// Writes a line to standard error, where everything goes that is not data.
func standardError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
