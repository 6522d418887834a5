// CommandFailure: an error as the command line shows it: `error[code]: what is wrong`, and what mends it.

#if canImport(Glibc)
    import Glibc
#endif

/// A failure with its mend. The exit code is 1.
package struct CommandFailure: Error, CustomStringConvertible {
    package var code: String
    package var message: String
    package var mend: String

    init(_ code: String, _ message: String, mend: String) {
        self.code = code
        self.message = message
        self.mend = mend
    }

    package var description: String { "error[\(code)]: \(message)\n  \(mend)" }
}

/// Writes a line to standard error, where everything goes that is not data. Where that cannot be written there is nobody to tell.
func standardError(_ text: String) {
    try? writeAll(text + "\n", to: STDERR_FILENO)
}
