// JSONDocument: sets and removes members of a JSON file; comments, order, indentation and trailing commas stay.

/// A JSON file.
struct JSONDocument: SettingsDocument {
    let bytes: [UInt8]
    let root: JSONNode?

    init(_ bytes: [UInt8]) throws(MalformedFile) {
        try requireText(bytes)
        self.bytes = bytes
        var scan = JSONScan(bytes)
        root = try scan.document()
    }

    func value(at path: [String]) -> SettingValue? { node(at: path)?.value }

    func raw(at path: [String]) -> String? { node(at: path).map { bytes.text($0.range) } }

    private func node(at path: [String]) -> JSONNode? {
        var node = root
        for name in path {
            guard case .object(let members) = node?.kind else { return nil }
            node = members.last { $0.name == name }?.node
        }
        return node
    }

    // MARK: Setting

    func setting(_ path: [String], to value: SettingValue) throws(MalformedFile) -> [UInt8] {
        guard !path.isEmpty else { return bytes }
        guard let root else {
            let start = bytes.last.map { $0 == 10 || bytes.count == textStart(bytes) } ?? true ? "" : ending
            let text = JSONText(indent: indent, ending: ending).text(nested(path[...], value), level: 0)
            return bytes.replacing(bytes.count..<bytes.count, with: start + text + ending)
        }
        var node = root
        var rest = path[...]
        var level = 0
        while let name = rest.first {
            guard case .object(let members) = node.kind else {
                throw MalformedFile(
                    line: lineNumber(bytes, node.range.lowerBound),
                    message: "\(path.dropLast(rest.count).joined(separator: ".")) is not an object".trimmed)
            }
            guard let member = members.last(where: { $0.name == name }) else {
                return inserting(name, nested(rest.dropFirst(), value), into: node, level: level)
            }
            node = member.node
            rest = rest.dropFirst()
            level += 1
        }
        if node.value == value { return bytes }
        let text = JSONText(indent: indent, ending: ending).text(value, level: levelOf(node))
        return bytes.replacing(node.range, with: text)
    }

    private func nested(_ path: ArraySlice<String>, _ value: SettingValue) -> SettingValue {
        path.reversed().reduce(value) { .object([SettingMember($1, $0)]) }
    }

    private func inserting(_ name: String, _ value: SettingValue, into node: JSONNode, level: Int) -> [UInt8] {
        guard case .object(let members) = node.kind else { return bytes }
        let close = node.range.upperBound - 1
        let outer = lineIndent(node.range.lowerBound)
        let isOnOneLine = !bytes[node.range].contains(10)
        guard let last = members.last else {
            // An empty object, perhaps with a comment in it.
            let inner = outer + indent
            let writer = JSONText(indent: indent, ending: ending, start: inner)
            let text = "\(ending)\(inner)\(JSONText.quoted(name)): \(writer.text(value, level: 0))\(ending)\(outer)"
            return bytes.replacing(node.contentEnd..<close, with: text)
        }
        if isOnOneLine, !value.isContainer {
            let text = "\(JSONText.quoted(name)): \(JSONText(indent: indent, ending: ending).text(value, level: 0))"
            let isTrailing = node.trailingComma != nil
            return bytes.replacing(node.contentEnd..<node.contentEnd, with: isTrailing ? " \(text)," : ", \(text)")
        }
        let inner = isOnOneLine ? outer + indent : lineIndent(last.nameStart)
        let writer = JSONText(indent: indent, ending: ending, start: inner)
        var text = "\(ending)\(inner)\(JSONText.quoted(name)): \(writer.text(value, level: 0))"
        if node.trailingComma != nil { text += "," }
        var result: [UInt8]
        if isOnOneLine {
            result = bytes.replacing(node.contentEnd..<close, with: text + ending + outer)
        } else {
            result = bytes.replacing(node.contentEnd..<node.contentEnd, with: text)
        }
        if node.trailingComma == nil {
            result.insert(UInt8(ascii: ","), at: last.node.range.upperBound)
        }
        return result
    }

    // MARK: Removing

    func removing(_ path: [String]) throws(MalformedFile) -> [UInt8] {
        guard let name = path.last, let node = node(at: Array(path.dropLast())), case .object(let members) = node.kind,
            let index = members.lastIndex(where: { $0.name == name })
        else { return bytes }
        let member = members[index]
        let end = member.comma.map { $0 + 1 } ?? member.node.range.upperBound
        let floor = index == 0 ? node.range.lowerBound + 1 : endOf(members[index - 1])
        let start = startOfRemoval(member.nameStart, floor: floor, end: end)
        if members.count == 1, !hasComments(node) {
            return bytes.replacing((node.range.lowerBound + 1)..<(node.range.upperBound - 1), with: "")
        }
        var result = bytes.replacing(start..<end, with: "")
        if member.comma == nil, index > 0, let comma = members[index - 1].comma { result.remove(at: comma) }
        return result
    }

    private func endOf(_ member: JSONMember) -> Int { member.comma.map { $0 + 1 } ?? member.node.range.upperBound }

    /// Back over the space before a name, no further than the token before it.
    private func startOfRemoval(_ position: Int, floor: Int, end: Int) -> Int {
        var start = position
        while start > floor, [32, 9, 10, 13].contains(bytes[start - 1]) { start -= 1 }
        // A comment before it must keep the end of its line when something follows on ours.
        let rest = bytes[end...].prefix { $0 != 10 && $0 != 13 }
        if bytes[floor..<start].contains(UInt8(ascii: "/")), !rest.allSatisfy({ $0 == 32 || $0 == 9 }) {
            while start < position, bytes[start] != 10 { start += 1 }
            if start < position { start += 1 }
        }
        return start
    }

    private func hasComments(_ node: JSONNode) -> Bool {
        guard case .object(let members) = node.kind, let only = members.first else { return true }
        let before = bytes[(node.range.lowerBound + 1)..<only.nameStart]
        let after = bytes[only.node.range.upperBound..<(node.range.upperBound - 1)]
        return before.contains(UInt8(ascii: "/")) || after.contains(UInt8(ascii: "/"))
    }

    // MARK: Style

    private var ending: String { lineEnding(bytes) }

    /// One step of indentation, as the file has it.
    private var indent: String {
        guard case .object(let members) = root?.kind, let first = members.first else { return "  " }
        let found = lineIndent(first.nameStart)
        let hasOwnLine = bytes[(root?.range.lowerBound ?? 0)..<first.nameStart].contains(10)
        return hasOwnLine && !found.isEmpty ? found : "  "
    }

    private func levelOf(_ node: JSONNode) -> Int {
        let unit = max(indent.utf8.count, 1)
        return lineIndent(node.range.lowerBound).utf8.count / unit
    }

    /// The space with which the line begins on which a position lies.
    private func lineIndent(_ position: Int) -> String {
        let start = bytes[..<position].lastIndex(of: 10).map { $0 + 1 } ?? textStart(bytes)
        let end = bytes[start...].firstIndex { $0 != 32 && $0 != 9 } ?? bytes.count
        return bytes.text(start..<end)
    }
}

/// Writes values as JSON.
struct JSONText {
    var indent: String
    var ending: String
    /// What every line but the first begins with.
    var start = ""

    func text(_ value: SettingValue, level: Int) -> String {
        let inner = start + String(repeating: indent, count: level + 1)
        let outer = start + String(repeating: indent, count: level)
        switch value {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .integer(let number): return String(number)
        case .number(let text), .raw(let text): return text
        case .string(let text): return Self.quoted(text)
        case .array(let elements):
            let isFlat = elements.allSatisfy { !$0.isContainer }
            let texts = elements.map { self.text($0, level: level + 1) }
            if isFlat { return "[\(texts.joined(separator: ", "))]" }
            return "[\(ending)" + texts.map { inner + $0 }.joined(separator: ",\(ending)") + "\(ending)\(outer)]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { "\(inner)\(Self.quoted($0.name)): \(text($0.value, level: level + 1))" }
            return "{\(ending)" + lines.joined(separator: ",\(ending)") + "\(ending)\(outer)}"
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}":
                let code = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension String {
    /// Without spaces at its ends.
    var trimmed: String {
        var slice = self[...]
        while let first = slice.first, first.isWhitespace { slice = slice.dropFirst() }
        while let last = slice.last, last.isWhitespace { slice = slice.dropLast() }
        return String(slice)
    }
}
