// DotenvDocument: lines of `NAME=value`, as dotenv readers and shells take them.

/// A file of lines.
struct DotenvDocument: SettingsDocument {
    let bytes: [UInt8]
    private let lines: [Line]

    private struct Line {
        var name: String
        var range: Range<Int>
        var valueRange: Range<Int>
        var value: String
    }

    init(_ bytes: [UInt8]) throws(MalformedFile) {
        try requireText(bytes)
        self.bytes = bytes
        var lines: [Line] = []
        var position = textStart(bytes)
        while position < bytes.count {
            let end = Self.endOfEntry(bytes, from: position)
            if let line = Self.line(bytes, position..<end) { lines.append(line) }
            position = end
        }
        self.lines = lines
    }

    /// Behind the end of the line; a value in quotes may hold line ends.
    private static func endOfEntry(_ bytes: [UInt8], from start: Int) -> Int {
        let lineEnd = bytes[start...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
        guard let equals = bytes[start..<lineEnd].firstIndex(of: UInt8(ascii: "=")),
            let quoteAt = bytes[(equals + 1)..<lineEnd].firstIndex(where: { $0 != 32 && $0 != 9 }),
            bytes[quoteAt] == UInt8(ascii: "\"") || bytes[quoteAt] == UInt8(ascii: "'"),
            bytes[start..<lineEnd].first(where: { $0 != 32 && $0 != 9 }) != UInt8(ascii: "#"),
            let close = closing(bytes, quoteAt)
        else { return lineEnd }
        return bytes[close...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
    }

    private static func closing(_ bytes: [UInt8], _ open: Int) -> Int? {
        var position = open + 1
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\\"), bytes[open] == UInt8(ascii: "\"") {
                position += 2
                continue
            }
            if bytes[position] == bytes[open] { return position }
            position += 1
        }
        return nil
    }

    private static func line(_ bytes: [UInt8], _ range: Range<Int>) -> Line? {
        guard let equals = bytes[range].firstIndex(of: UInt8(ascii: "=")) else { return nil }
        var name = bytes.text(range.lowerBound..<equals).trimmed
        if name.hasPrefix("export ") { name = String(name.dropFirst(7)).trimmed }
        guard let first = name.utf8.first, !(48...57).contains(first),
            name.utf8.allSatisfy({ (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95 })
        else { return nil }
        var start = equals + 1
        while start < range.upperBound, bytes[start] == 32 || bytes[start] == 9 { start += 1 }
        var end = range.upperBound
        while end > start, [32, 9, 10, 13].contains(bytes[end - 1]) { end -= 1 }
        if start < end, bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'"), let close = closing(bytes, start) {
            let inner = bytes.text((start + 1)..<close)
            let value = bytes[start] == UInt8(ascii: "'") ? inner : unescaped(inner)
            return Line(name: name, range: range, valueRange: start..<(close + 1), value: value)
        }
        // A comment behind a value without quotes begins with a space.
        if let comment = (start..<end).first(where: {
            bytes[$0] == UInt8(ascii: "#") && ($0 == start || bytes[$0 - 1] == 32 || bytes[$0 - 1] == 9)
        }) {
            end = comment
            while end > start, bytes[end - 1] == 32 || bytes[end - 1] == 9 { end -= 1 }
        }
        return Line(name: name, range: range, valueRange: start..<end, value: bytes.text(start..<end))
    }

    private static func unescaped(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                result.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    func value(at path: [String]) -> SettingValue? {
        guard let name = path.first else {
            return .object(lines.map { SettingMember($0.name, .string($0.value)) })
        }
        return lines.last { $0.name == name }.map { .string($0.value) }
    }

    func raw(at path: [String]) -> String? {
        lines.last { $0.name == path.first }.map { bytes.text($0.valueRange) }
    }

    func setting(_ path: [String], to value: SettingValue) -> [UInt8] {
        guard let name = path.first else { return bytes }
        if let line = lines.last(where: { $0.name == name }) {
            return .string(line.value) == value ? bytes : bytes.replacing(line.valueRange, with: Self.text(value))
        }
        let isAtLineStart = bytes.count == textStart(bytes) || bytes.last == 10
        let text = "\(name)=\(Self.text(value))"
        return bytes.replacing(bytes.count..<bytes.count, with: isAtLineStart ? text + ending : ending + text)
    }

    func removing(_ path: [String]) -> [UInt8] {
        guard let line = lines.last(where: { $0.name == path.first }) else { return bytes }
        var range = line.range
        if range.upperBound == bytes.count, bytes.last != 10, range.lowerBound > textStart(bytes) {
            let isWide = bytes[..<range.lowerBound].suffix(2).elementsEqual([13, 10])
            range = (range.lowerBound - (isWide ? 2 : 1))..<range.upperBound
        }
        return bytes.replacing(range, with: "")
    }

    /// Plain where every reader takes it so; otherwise in single quotes, or in double ones when it holds a single one.
    private static func text(_ value: SettingValue) -> String {
        switch value {
        case .raw(let text), .number(let text): return text
        case .integer(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .string(let text):
            let isPlain = text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "_-./:@%+,=".utf8.contains($0)
            }
            if isPlain { return text }
            return text.contains("'") || text.contains("\n")
                ? "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\"" : "'\(text)'"
        default: return ""
        }
    }

    private var ending: String { lineEnding(bytes) }
}
