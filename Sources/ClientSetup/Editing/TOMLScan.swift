// TOMLScan: reads TOML statement by statement and remembers where each stands. Values are read whole, so that a line of a
// string over several lines is never taken for a table.

/// A table's header, or a name with its value.
struct TOMLStatement {
    enum Kind { case header, listHeader, pair }

    var kind: Kind
    /// From the root. An element of a list of tables has a number in its path, which no name of ours equals.
    var path: [String]
    /// The table in which it stands.
    var section: [String]
    /// The value; for a header its line.
    var range: Range<Int>
    /// The whole line or lines, with the end of the last one; for a member of an inline table the member alone.
    var lines: Range<Int>
    var value: SettingValue
    /// Where the `{` of the inline table stands that holds it.
    var inlineStart: Int?
}

/// One pass over the bytes.
struct TOMLScan {
    static let depthMax = 64

    let bytes: [UInt8]
    var position: Int
    var statements: [TOMLStatement] = []
    private var listCounts: [[String]: Int] = [:]
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = textStart(bytes)
    }

    mutating func document() throws(MalformedFile) -> [TOMLStatement] {
        var section: [String] = []
        while position < bytes.count {
            let start = position
            skipSpace()
            guard let byte = peek else { break }
            switch byte {
            case 10, 13, UInt8(ascii: "#"):
                try endLine()
            case UInt8(ascii: "["):
                let isList = bytes[position...].starts(with: "[[".utf8)
                position += isList ? 2 : 1
                var path = resolved(try key())
                skipSpace()
                guard bytes[position...].starts(with: (isList ? "]]" : "]").utf8) else { throw fault("] is missing") }
                position += isList ? 2 : 1
                if isList {
                    listCounts[path, default: 0] += 1
                    path.append("#\(listCounts[path] ?? 0)")
                }
                section = path
                let end = position
                try endLine()
                statements.append(
                    TOMLStatement(
                        kind: isList ? .listHeader : .header, path: path, section: path, range: start..<end, lines: start..<position,
                        value: .object([])))
            default:
                let index = statements.count
                try pair(in: section, section: section, inlineStart: nil)
                try endLine()
                statements[index].lines = start..<position
            }
        }
        return statements
    }

    /// The table that a header's name means: below a list of tables, its last element.
    private func resolved(_ names: [String]) -> [String] {
        var path: [String] = []
        for (index, name) in names.enumerated() {
            path.append(name)
            if index + 1 < names.count, let count = listCounts[path] { path.append("#\(count)") }
        }
        return path
    }

    private mutating func pair(in table: [String], section: [String], inlineStart: Int?) throws(MalformedFile) {
        let start = position
        let path = table + (try key())
        skipSpace()
        guard peek == UInt8(ascii: "=") else { throw fault("= is missing") }
        position += 1
        skipSpace()
        let index = statements.count
        statements.append(
            TOMLStatement(
                kind: .pair, path: path, section: section, range: position..<position, lines: start..<start, value: .null,
                inlineStart: inlineStart))
        let valueStart = position
        let value = try value(path, section)
        statements[index].value = value
        statements[index].range = valueStart..<position
        statements[index].lines = start..<position
    }

    // MARK: Names

    private mutating func key() throws(MalformedFile) -> [String] {
        var names: [String] = []
        while true {
            skipSpace()
            if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
                names.append(try string())
            } else {
                let start = position
                while let byte = peek, isBare(byte) { position += 1 }
                guard position > start else { throw fault("a name is expected here") }
                names.append(bytes.text(start..<position))
            }
            skipSpace()
            guard peek == UInt8(ascii: ".") else { return names }
            position += 1
        }
    }

    private func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    // MARK: Values

    private mutating func value(_ path: [String], _ section: [String]) throws(MalformedFile) -> SettingValue {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("nested more than \(Self.depthMax) deep") }
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return try array(path, section)
        case UInt8(ascii: "{"): return try inlineTable(path, section)
        default:
            let start = position
            while let byte = peek, isBare(byte) || [43, 46, 58].contains(byte) { position += 1 }
            // A date and its time may stand apart by one space.
            if position - start == 10, peek == 32, position + 1 < bytes.count, (48...57).contains(bytes[position + 1]),
                bytes[start + 4] == UInt8(ascii: "-")
            {
                position += 1
                while let byte = peek, isBare(byte) || [43, 46, 58].contains(byte) { position += 1 }
            }
            let word = bytes.text(start..<position)
            if word == "true" || word == "false" { return .bool(word == "true") }
            guard let first = word.utf8.first, (48...57).contains(first) || ["+", "-", "i", "n"].contains(word.first) else {
                throw fault(word.isEmpty ? "a value is missing" : "\(word) is no TOML value")
            }
            return Int64(word.filter { $0 != "_" }).map { .integer($0) } ?? .number(word)
        }
    }

    private mutating func array(_ path: [String], _ section: [String]) throws(MalformedFile) -> SettingValue {
        let start = position
        position += 1
        var elements: [SettingValue] = []
        while true {
            try skipLines()
            guard let byte = peek else {
                position = start
                throw fault("this [ is not closed")
            }
            if byte == UInt8(ascii: "]") { break }
            // What stands inside a list is no statement.
            let known = statements.count
            elements.append(try value(path + ["#"], section))
            statements.removeSubrange(known...)
            try skipLines()
            if peek == UInt8(ascii: ",") {
                position += 1
            } else if peek != UInt8(ascii: "]"), peek != nil {
                throw fault("a comma is missing")
            }
        }
        position += 1
        return .array(elements)
    }

    private mutating func inlineTable(_ path: [String], _ section: [String]) throws(MalformedFile) -> SettingValue {
        let start = position
        let known = statements.count
        position += 1
        while true {
            try skipLines()
            guard let byte = peek else {
                position = start
                throw fault("this { is not closed")
            }
            if byte == UInt8(ascii: "}") { break }
            try pair(in: path, section: section, inlineStart: start)
            try skipLines()
            if peek == UInt8(ascii: ",") {
                position += 1
            } else if peek != UInt8(ascii: "}"), peek != nil {
                throw fault("a comma is missing")
            }
        }
        position += 1
        var value = SettingValue.object([])
        for statement in statements[known...] where statement.inlineStart == start {
            value = value.putting(statement.value, at: statement.path.dropFirst(path.count))
        }
        return value
    }

    private mutating func string() throws(MalformedFile) -> String {
        let start = position
        let quote = bytes[position]
        let isLiteral = quote == UInt8(ascii: "'")
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        position += isLong ? 3 : 1
        var text: [UInt8] = []
        if isLong {
            if peek == 13 { position += 1 }
            if peek == 10 { position += 1 }
        }
        while let byte = peek {
            if byte == quote {
                guard isLong else {
                    position += 1
                    return String(decoding: text, as: UTF8.self)
                }
                let run = bytes[position...].prefix { $0 == quote }.count
                if run >= 3 {
                    // Up to two quotes may stand directly before the end.
                    text += Array(repeating: quote, count: min(run - 3, 2))
                    position += min(run, 5)
                    return String(decoding: text, as: UTF8.self)
                }
            }
            if byte == 10, !isLong { break }
            position += 1
            if byte == UInt8(ascii: "\\"), !isLiteral { text += try escape(isLong) } else { text.append(byte) }
        }
        position = start
        throw fault("a string has no end")
    }

    private mutating func escape(_ isLong: Bool) throws(MalformedFile) -> [UInt8] {
        guard let byte = peek else { throw fault("a string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "e"): return [27]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "x") ? 2 : byte == UInt8(ascii: "u") ? 4 : 8
            guard position + count <= bytes.count, let code = UInt32(bytes.text(position..<(position + count)), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw fault("an unknown escape in a string") }
            position += count
            return Array(String(Character(scalar)).utf8)
        case 10, 13, 32, 9:
            guard isLong else { throw fault("an unknown escape in a string") }
            while let next = peek, [10, 13, 32, 9].contains(next) { position += 1 }
            return []
        default: throw fault("an unknown escape in a string")
        }
    }

    // MARK: Space

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 32 || byte == 9 { position += 1 }
    }

    /// Space, line ends and comments.
    private mutating func skipLines() throws(MalformedFile) {
        while true {
            skipSpace()
            guard let byte = peek, [10, 13, UInt8(ascii: "#")].contains(byte) else { return }
            try endLine()
        }
    }

    /// A comment, and the end of the line.
    private mutating func endLine() throws(MalformedFile) {
        skipSpace()
        if peek == UInt8(ascii: "#") {
            while let byte = peek, byte != 10 { position += 1 }
        }
        if peek == 13 { position += 1 }
        guard let byte = peek else { return }
        guard byte == 10 else { throw fault("the line should end here") }
        position += 1
    }

    private func fault(_ message: String) -> MalformedFile {
        MalformedFile(line: lineNumber(bytes, position), message: message)
    }
}

extension SettingValue {
    /// The value with another put at the end of a path; what stands in the way is replaced.
    func putting(_ value: SettingValue, at path: ArraySlice<String>) -> SettingValue {
        guard let name = path.first else { return value }
        var members = self.members
        let inner = (self[name] ?? .object([])).putting(value, at: path.dropFirst())
        if let index = members.lastIndex(where: { $0.name == name }) {
            members[index].value = inner
        } else {
            members.append(SettingMember(name, inner))
        }
        return .object(members)
    }
}
