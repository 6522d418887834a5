// Terminal: where output goes: data to standard output, all else to standard error; colour and widths only for a terminal.

import AdminAPI
import ArgumentParser
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// When colour is used.
package enum ColorChoice: String, Sendable, CaseIterable, ExpressibleByArgument {
    case auto, always, never

    /// Whether to write colour. `NO_COLOR` counts when it holds anything (no-color.org).
    package func isUsed(onTerminal: Bool, environment: [String: String]) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto: onTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        }
    }
}

extension OutputFormat: ExpressibleByArgument {}

/// What every verb with a table takes.
struct OutputOptions: ParsableArguments {
    @Option(help: "How to write the answer: table, csv or json.")
    var format: OutputFormat = .table
    @Flag(help: "Write whole rows, however narrow the terminal is.")
    var wide = false
    @Option(help: "Colour: auto, always or never.")
    var color: ColorChoice = .auto

    /// Columns of the terminal; nil when output goes elsewhere or `--wide` was given.
    var width: Int? {
        guard !wide else { return nil }
        if let text = ProcessInfo.processInfo.environment["COLUMNS"], let columns = Int(text), columns > 0 {
            return columns
        }
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    var usesColor: Bool {
        color.isUsed(onTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
    }

    /// Writes an answer: a document for programs, a table for everybody else.
    func write(_ document: some Encodable, table: @autoclosure () -> Table, title: String? = nil, notes: [String] = [])
        throws
    {
        switch format {
        case .json: try writeJSON(document)
        case .csv: try output(table().csv)
        case .table:
            if let title { try output(bold(title) + "\n") }
            let lines = table().text(width: width).split(
                separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            try output(bold(String(lines[0])) + "\n" + (lines.count > 1 ? String(lines[1]) : ""))
            for note in notes { try output(usesColor ? "\u{1B}[33m! \(note)\u{1B}[0m\n" : "! \(note)\n") }
        }
    }

    private func bold(_ text: String) -> String { usesColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}

/// Writes a document to standard output.
func writeJSON(_ document: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try output(String(decoding: try encoder.encode(document), as: UTF8.self) + "\n")
}

/// Writes data.
func output(_ text: String) throws(OutputFailure) { try writeAll(text, to: STDOUT_FILENO) }

/// Writes a secret that is shown this once. When nobody could read it the verb has failed, also where its reader has gone.
func outputSecret(_ text: String, mend: String) throws {
    do throws(OutputFailure) {
        try output(text)
    } catch {
        throw CommandFailure("output_failed", "the secret was made and could not be written: \(error)", mend: mend)
    }
}

/// Why a text could not be written.
package enum OutputFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// Nobody reads any more: `weir key list | head -3`.
    case closed
    /// What the system says: `No space left on device`.
    case failed(String)

    package var description: String {
        switch self {
        case .closed: "nobody reads it"
        case .failed(let reason): reason
        }
    }
}

/// Writes all of a text. Foundation's `write` would end the process by a trap where a pipe is closed or a disk is full. The process
/// must ignore SIGPIPE.
package func writeAll(_ text: String, to descriptor: Int32) throws(OutputFailure) {
    var text = text
    let problem: Int32 = text.withUTF8 { bytes in
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count > 0 {
                done += count
            } else if count < 0, errno == EAGAIN {
                // Some program that shares the terminal made it non-blocking.
                var wish = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wish, 1, -1)
            } else if count == 0 || errno != EINTR {
                return count == 0 ? EIO : errno
            }
        }
        return 0
    }
    switch problem {
    case 0: return
    case EPIPE: throw .closed
    default: throw .failed(String(cString: strerror(problem)))
    }
}

/// A list under the name of its schema.
struct ListDocument<Element: Encodable & Sendable>: Encodable {
    var schema: String
    var data: [Element]
    var next: String?
}

/// One thing under the name of its schema, its members beside it.
struct SingleDocument<Value: Encodable & Sendable>: Encodable {
    var schema: String
    var value: Value

    private enum Key: String, CodingKey {
        case schema
    }

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(schema, forKey: .schema)
    }
}
