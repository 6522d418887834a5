// TOMLDocument: sets and removes names of a TOML file, in whichever way the user wrote the table: a header, dotted names or an
// inline table.

/// A TOML file.
struct TOMLDocument: SettingsDocument {
    let bytes: [UInt8]
    let statements: [TOMLStatement]

    init(_ bytes: [UInt8]) throws(MalformedFile) {
        try requireText(bytes)
        self.bytes = bytes
        var scan = TOMLScan(bytes)
        statements = try scan.document()
        var seen: Set<[String]> = []
        for statement in statements where !seen.insert(statement.path).inserted && statement.kind != .listHeader {
            throw MalformedFile(
                line: lineNumber(bytes, statement.lines.lowerBound), message: "\(statement.path.joined(separator: ".")) stands here twice")
        }
    }

    func value(at path: [String]) -> SettingValue? {
        var whole = SettingValue.object([])
        var isKnown = path.isEmpty
        for statement in statements where statement.inlineStart == nil {
            if statement.path.starts(with: path) { isKnown = true }
            if statement.kind == .pair || whole.at(statement.path) == nil {
                whole = whole.putting(statement.value, at: statement.path[...])
            }
        }
        return isKnown || whole.at(path) != nil ? whole.at(path) : nil
    }

    func raw(at path: [String]) -> String? {
        statements.first { $0.kind == .pair && $0.path == path }.map { bytes.text($0.range) }
    }

    // MARK: Setting

    func setting(_ path: [String], to value: SettingValue) throws(MalformedFile) -> [UInt8] {
        guard !path.isEmpty else { return bytes }
        if let statement = statements.first(where: { $0.kind == .pair && $0.path == path }) {
            return statement.value == value ? bytes : bytes.replacing(statement.range, with: TOMLText.text(value))
        }
        if let inner = statements.first(where: { $0.path.starts(with: path) }) {
            throw MalformedFile(
                line: lineNumber(bytes, inner.lines.lowerBound), message: "\(path.joined(separator: ".")) is a table here")
        }
        if let list = statements.first(where: { $0.kind == .listHeader && path.starts(with: $0.path.dropLast()) }) {
            throw MalformedFile(
                line: lineNumber(bytes, list.lines.lowerBound),
                message: "\(list.path.dropLast().joined(separator: ".")) is a list of tables here")
        }
        if let holder = statements.first(where: { $0.kind == .pair && path.starts(with: $0.path) }) {
            return try inserting(path, value, inline: deepest(holder, path))
        }
        let table = Array(path.dropLast())
        // Beside what the table holds already, in the way in which it is written there.
        if let last = statements.last(where: {
            $0.kind == .pair && $0.inlineStart == nil && $0.path.dropLast() == table[...] && path.starts(with: $0.section)
        }) {
            return inserting(line(path, value, in: last.section), at: last.lines.upperBound)
        }
        if let header = statements.first(where: { $0.kind == .header && $0.path == table }) {
            return inserting(line(path, value, in: table), at: header.lines.upperBound)
        }
        if table.isEmpty { return inserting(line(path, value, in: []), at: endOfPreface) }
        let isAtLineStart = bytes.count == textStart(bytes) || bytes.last == 10
        let hasText = bytes.count > textStart(bytes)
        let text =
            (isAtLineStart ? "" : ending) + (hasText ? ending : "") + "[\(TOMLText.key(table))]" + ending
            + line(path, value, in: table) + ending
        return bytes.replacing(bytes.count..<bytes.count, with: text)
    }

    /// Behind the comment with which the file begins, if an empty line sets it apart from what follows; otherwise the file's start.
    private var endOfPreface: Int {
        let start = textStart(bytes)
        var position = start
        while position < bytes.count, bytes[position] == UInt8(ascii: "#") {
            guard let end = bytes[position...].firstIndex(of: 10) else { return start }
            position = end + 1
        }
        let isSetApart = position > start && position < bytes.count && (bytes[position] == 10 || bytes[position...].starts(with: [13, 10]))
        return isSetApart ? position : start
    }

    private func deepest(_ holder: TOMLStatement, _ path: [String]) -> TOMLStatement {
        statements.filter { $0.kind == .pair && path.starts(with: $0.path) }.max { $0.path.count < $1.path.count } ?? holder
    }

    private func line(_ path: [String], _ value: SettingValue, in section: [String]) -> String {
        "\(TOMLText.key(Array(path.dropFirst(section.count)))) = \(TOMLText.text(value))"
    }

    /// A line of its own, at the start of a line or at the end of a file that ends within one.
    private func inserting(_ line: String, at position: Int) -> [UInt8] {
        let isAtLineStart = position == textStart(bytes) || bytes[position - 1] == 10
        return bytes.replacing(position..<position, with: isAtLineStart ? line + ending : ending + line)
    }

    private func inserting(_ path: [String], _ value: SettingValue, inline holder: TOMLStatement) throws(MalformedFile) -> [UInt8] {
        guard case .object(let members) = holder.value else {
            throw MalformedFile(
                line: lineNumber(bytes, holder.range.lowerBound), message: "\(holder.path.joined(separator: ".")) is not a table")
        }
        let text = line(path, value, in: holder.path)
        guard !members.isEmpty else { return bytes.replacing(holder.range, with: "{ \(text) }") }
        let last = statements.last { $0.inlineStart == holder.range.lowerBound }
        let end = last?.range.upperBound ?? holder.range.upperBound - 1
        return bytes.replacing(end..<end, with: ", \(text)")
    }

    // MARK: Removing

    func removing(_ path: [String]) throws(MalformedFile) -> [UInt8] {
        if let pair = statements.first(where: { $0.kind == .pair && $0.path == path }) {
            return pair.inlineStart == nil ? removingLines(pair.lines) : removingInline(pair)
        }
        // A table goes with its header when nothing is left in it.
        guard let header = statements.first(where: { $0.kind == .header && $0.path == path }),
            !statements.contains(where: { $0.path.count > path.count && $0.path.starts(with: path) })
        else { return bytes }
        var lines = header.lines
        // The empty line above it was made with it.
        let above = bytes[..<lines.lowerBound]
        if above.suffix(2).elementsEqual([10, 10]) {
            lines = (lines.lowerBound - 1)..<lines.upperBound
        } else if above.suffix(4).elementsEqual([13, 10, 13, 10]) {
            lines = (lines.lowerBound - 2)..<lines.upperBound
        }
        return bytes.replacing(lines, with: "")
    }

    private func removingLines(_ lines: Range<Int>) -> [UInt8] {
        var lines = lines
        // At the end of a file that ends within a line, the line's end before it goes.
        if lines.upperBound == bytes.count, bytes.last != 10, lines.lowerBound > textStart(bytes) {
            let isWide = bytes[..<lines.lowerBound].suffix(2).elementsEqual([13, 10])
            lines = (lines.lowerBound - (isWide ? 2 : 1))..<lines.upperBound
        }
        return bytes.replacing(lines, with: "")
    }

    private func removingInline(_ pair: TOMLStatement) -> [UInt8] {
        let siblings = statements.filter { $0.inlineStart == pair.inlineStart }
        guard let index = siblings.firstIndex(where: { $0.path == pair.path }) else { return bytes }
        if index > 0 { return bytes.replacing(siblings[index - 1].range.upperBound..<pair.range.upperBound, with: "") }
        if siblings.count > 1 { return bytes.replacing(pair.lines.lowerBound..<siblings[1].lines.lowerBound, with: "") }
        return bytes.replacing(pair.lines, with: "")
    }

    private var ending: String { lineEnding(bytes) }
}

/// Writes values as TOML.
enum TOMLText {
    static func text(_ value: SettingValue) -> String {
        switch value {
        case .null: "\"\""
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let text), .raw(let text): text
        case .string(let text): JSONText.quoted(text)
        case .array(let elements): "[" + elements.map(text).joined(separator: ", ") + "]"
        case .object(let members):
            members.isEmpty ? "{}" : "{ " + members.map { "\(key([$0.name])) = \(text($0.value))" }.joined(separator: ", ") + " }"
        }
    }

    static func key(_ names: [String]) -> String {
        names.map { name in
            let isBare = name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 95 || $0 == 45
            }
            return isBare && !name.isEmpty ? name : JSONText.quoted(name)
        }.joined(separator: ".")
    }
}
