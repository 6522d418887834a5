// SettingsDocument: a configuration file that can be edited at a path while every other byte stays as it is.

/// What makes a file one that Weir does not touch.
package struct MalformedFile: Error, Equatable, Sendable, CustomStringConvertible {
    /// From one.
    package var line: Int
    package var message: String

    package var description: String { "line \(line): \(message)" }
}

/// How a file is written.
package enum FileFormat: String, Codable, Sendable {
    /// JSON, with comments and trailing commas if the user has them.
    case json
    case toml
    case yaml
    /// Lines of `NAME=value`.
    case dotenv
    /// One marked block of lines; its path is empty.
    case block
    /// A file that is Weir's own from the first byte to the last; its path is empty.
    case whole
}

/// The bytes of a file, understood as far as editing needs it.
protocol SettingsDocument {
    init(_ bytes: [UInt8]) throws(MalformedFile)
    /// What a path holds; the empty path is the whole document.
    func value(at path: [String]) -> SettingValue?
    /// The text that a path's value is written with.
    func raw(at path: [String]) -> String?
    /// The file with that value there.
    func setting(_ path: [String], to value: SettingValue) throws(MalformedFile) -> [UInt8]
    /// The file without that member.
    func removing(_ path: [String]) throws(MalformedFile) -> [UInt8]
}

extension FileFormat {
    func document(_ bytes: [UInt8]) throws(MalformedFile) -> any SettingsDocument {
        switch self {
        case .json: try JSONDocument(bytes)
        case .toml: try TOMLDocument(bytes)
        case .yaml: try YAMLDocument(bytes)
        case .dotenv: try DotenvDocument(bytes)
        case .block: try BlockDocument(bytes)
        case .whole: WholeDocument(bytes)
        }
    }

    /// What stands in a file of this format, as values; the empty object when it is empty.
    package func parse(_ bytes: [UInt8]) throws(MalformedFile) -> SettingValue {
        try document(bytes).value(at: []) ?? .object([])
    }
}

extension FileFormat {
    /// A text as a JSON string.
    package static func quotedJSON(_ text: String) -> String { JSONText.quoted(text) }
}

/// A file that belongs to Weir whole.
struct WholeDocument: SettingsDocument {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func value(at path: [String]) -> SettingValue? { raw(at: path).map { .string($0) } }
    func raw(at path: [String]) -> String? { bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
    func removing(_ path: [String]) -> [UInt8] { [] }

    func setting(_ path: [String], to value: SettingValue) -> [UInt8] {
        switch value {
        case .string(let text), .raw(let text): Array(text.utf8)
        default: bytes
        }
    }
}

/// The start of the text: behind a byte order mark, if there is one.
func textStart(_ bytes: [UInt8]) -> Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

/// The line ending that a file uses.
func lineEnding(_ bytes: [UInt8]) -> String {
    guard let first = bytes.firstIndex(of: 10), first > 0, bytes[first - 1] == 13 else { return "\n" }
    return "\r\n"
}

/// The line, from one, on which a position lies.
func lineNumber(_ bytes: [UInt8], _ position: Int) -> Int {
    bytes[..<min(position, bytes.count)].reduce(1) { $1 == 10 ? $0 + 1 : $0 }
}

/// Refuses what is not UTF-8.
func requireText(_ bytes: [UInt8]) throws(MalformedFile) {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var line = 1
    while true {
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): if scalar == "\n" { line += 1 }
        case .emptyInput: return
        case .error: throw MalformedFile(line: line, message: "the file is not UTF-8 text")
        }
    }
}

extension [UInt8] {
    /// The bytes with a range of them replaced.
    func replacing(_ range: Range<Int>, with text: String) -> [UInt8] {
        var result = self
        result.replaceSubrange(range, with: text.utf8)
        return result
    }

    func text(_ range: Range<Int>) -> String { String(decoding: self[range], as: UTF8.self) }
}
