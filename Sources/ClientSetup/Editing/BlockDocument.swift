// BlockDocument: one marked block of lines in a file of any kind, such as a shell's profile.

/// A file with at most one block of ours.
struct BlockDocument: SettingsDocument {
    static let first = "# >>> weir >>> written by `weir connect`; `weir connect env --undo` takes it out"
    private static let firstStart = "# >>> weir >>>"
    static let last = "# <<< weir <<<"

    let bytes: [UInt8]
    private let block: Range<Int>?

    init(_ bytes: [UInt8]) throws(MalformedFile) {
        self.bytes = bytes
        var start: Int?
        var found: Range<Int>?
        var position = textStart(bytes)
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
            let line = bytes.text(position..<end).trimmed
            if line.hasPrefix(Self.firstStart) {
                guard start == nil, found == nil else {
                    throw MalformedFile(line: lineNumber(bytes, position), message: "a second block of Weir's begins here")
                }
                start = position
            } else if line == Self.last, let from = start {
                found = from..<end
                start = nil
            }
            position = end
        }
        if let start {
            throw MalformedFile(line: lineNumber(bytes, start), message: "the block that begins here has no line `\(Self.last)`")
        }
        block = found
    }

    func value(at path: [String]) -> SettingValue? { raw(at: path).map { .string($0) } }

    func raw(at path: [String]) -> String? {
        guard let block else { return nil }
        let lines = bytes.text(block).split(whereSeparator: \.isNewline).map(String.init)
        return lines.dropFirst().dropLast().joined(separator: "\n")
    }

    func setting(_ path: [String], to value: SettingValue) -> [UInt8] {
        let text: String
        switch value {
        case .string(let lines), .raw(let lines): text = lines
        default: return bytes
        }
        let ending = lineEnding(bytes)
        let lines = [Self.first] + text.split(whereSeparator: \.isNewline).map(String.init) + [Self.last]
        let whole = lines.joined(separator: ending) + ending
        if let block { return bytes.replacing(block, with: whole) }
        let isAtLineStart = bytes.count == textStart(bytes) || bytes.last == 10
        return bytes.replacing(bytes.count..<bytes.count, with: isAtLineStart ? whole : ending + whole)
    }

    func removing(_ path: [String]) -> [UInt8] { block.map { bytes.replacing($0, with: "") } ?? bytes }
}
