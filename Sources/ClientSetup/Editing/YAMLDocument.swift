// YAMLDocument: sets and removes names and list elements of a YAML file. In a path, `name=x` means the element of a list whose
// member `name` is `x`.

/// A YAML file.
struct YAMLDocument: SettingsDocument {
    let bytes: [UInt8]
    let lines: [YAMLLine]
    let root: YAMLNode?

    init(_ bytes: [UInt8]) throws(MalformedFile) {
        try requireText(bytes)
        self.bytes = bytes
        var scan = YAMLScan(bytes)
        lines = scan.lines
        root = try scan.document()
    }

    func value(at path: [String]) -> SettingValue? { place(path)?.node.value }

    func raw(at path: [String]) -> String? { place(path).map { bytes.text($0.start..<max($0.start, $0.node.range.upperBound)) } }

    /// A node, and the place behind the colon or the dash before it.
    private func place(_ path: [String]) -> (node: YAMLNode, start: Int)? {
        guard var node = root else { return nil }
        var start = node.range.lowerBound
        for name in path {
            switch node.kind {
            case .mapping(let entries):
                guard let entry = entries.last(where: { $0.name == name }) else { return nil }
                (node, start) = (entry.node, entry.colonEnd)
            case .list(let items):
                guard let item = items.first(where: { matches($0, name) }) else { return nil }
                (node, start) = (item.node, item.dashEnd)
            case .leaf(let value):
                // Inside brackets it can be read, and not edited.
                guard let inner = value[name] else { return nil }
                node.kind = .leaf(inner)
            }
        }
        return (node, start)
    }

    private func matches(_ item: YAMLItem, _ spec: String) -> Bool {
        guard let equals = spec.firstIndex(of: "=") else { return false }
        return item.node.value[String(spec[..<equals])]?.text == String(spec[spec.index(after: equals)...])
    }

    // MARK: Setting

    func setting(_ path: [String], to value: SettingValue) throws(MalformedFile) -> [UInt8] {
        guard let root else {
            let text = YAMLText.block(nested(path[...], value), column: 0, ending: ending)
            let isAtLineStart = bytes.count == textStart(bytes) || bytes.last == 10
            return bytes.replacing(bytes.count..<bytes.count, with: (isAtLineStart ? "" : ending) + text + ending)
        }
        var (node, start, column) = (root, root.range.lowerBound, 0)
        var rest = path[...]
        while let name = rest.first {
            let isElement = name.contains("=")
            switch node.kind {
            case .mapping where isElement, .list where !isElement:
                throw MalformedFile(
                    line: lineNumber(bytes, node.range.lowerBound),
                    message: "\(path.dropLast(rest.count).joined(separator: ".")) should be a \(isElement ? "list" : "mapping")")
            case .mapping(let entries):
                guard let entry = entries.last(where: { $0.name == name }) else {
                    let text = YAMLText.entry(name, nested(rest.dropFirst(), value), column: node.column, ending: ending)
                    return inserting(text, column: node.column, behind: entries.last?.lines.upperBound ?? 0)
                }
                (node, start, column) = (entry.node, entry.colonEnd, node.column)
            case .list(let items):
                guard let item = items.first(where: { matches($0, name) }) else {
                    let text = YAMLText.item(Self.element(name, nested(rest.dropFirst(), value)), column: node.column, ending: ending)
                    return inserting(text, column: node.column, behind: items.last?.lines.upperBound ?? 0)
                }
                (node, start, column) = (item.node, item.dashEnd, node.column + 2)
            case .leaf(let leaf):
                guard leaf == .null || leaf.isEmptyObject || leaf == .array([]), start != root.range.lowerBound else {
                    throw MalformedFile(
                        line: lineNumber(bytes, node.range.lowerBound),
                        message: "\(path.dropLast(rest.count).joined(separator: ".")) is written in a way that is not edited here")
                }
                let text = YAMLText.behind(nested(rest, value), column: column, ending: ending)
                return bytes.replacing(start..<max(start, node.range.upperBound), with: text)
            }
            rest = rest.dropFirst()
        }
        if node.value == value { return bytes }
        if case .leaf(let leaf) = node.kind, leaf != .null, !value.isContainer, !isRaw(value) {
            return bytes.replacing(node.range, with: YAMLText.scalar(value, isName: false))
        }
        let text = YAMLText.behind(value, column: column, ending: ending)
        return bytes.replacing(start..<max(start, node.range.upperBound), with: text)
    }

    private func isRaw(_ value: SettingValue) -> Bool {
        if case .raw = value { true } else { false }
    }

    /// What must stand where a path does not lead yet.
    private func nested(_ path: ArraySlice<String>, _ value: SettingValue) -> SettingValue {
        guard let name = path.first else { return value }
        let inner = nested(path.dropFirst(), value)
        return name.contains("=") ? .array([Self.element(name, inner)]) : .object([SettingMember(name, inner)])
    }

    /// The value of a path's end, with the member by which it is found if it is an element of a list.
    static func completed(_ path: [String], _ value: SettingValue) -> SettingValue {
        path.last.map { $0.contains("=") ? element($0, value) : value } ?? value
    }

    /// An element of a list with the member by which it is found.
    private static func element(_ spec: String, _ value: SettingValue) -> SettingValue {
        guard let equals = spec.firstIndex(of: "="), case .object(let members) = value else { return value }
        let name = String(spec[..<equals])
        if value[name] != nil { return value }
        return .object([SettingMember(name, .string(String(spec[spec.index(after: equals)...])))] + members)
    }

    private func inserting(_ text: String, column: Int, behind line: Int) -> [UInt8] {
        let indented = String(repeating: " ", count: column) + text
        guard line > 0, line <= lines.count else { return bytes.replacing(bytes.count..<bytes.count, with: indented + ending) }
        let position = lines[line - 1].next
        let isAtLineStart = position > 0 && bytes[position - 1] == 10
        return bytes.replacing(position..<position, with: isAtLineStart ? indented + ending : ending + indented)
    }

    // MARK: Removing

    func removing(_ path: [String]) throws(MalformedFile) -> [UInt8] {
        guard let name = path.last, let holder = place(Array(path.dropLast())) else { return bytes }
        switch holder.node.kind {
        case .mapping(let entries):
            guard let index = entries.lastIndex(where: { $0.name == name }) else { return bytes }
            let entry = entries[index]
            let line = lines[entry.lines.lowerBound]
            // The first name of a list's element stands on the dash's line.
            if entry.nameStart != line.start + line.indent {
                let end = index + 1 < entries.count ? entries[index + 1].nameStart : entry.node.range.upperBound
                return bytes.replacing(entry.nameStart..<max(end, entry.colonEnd), with: "")
            }
            return removingLines(entry.lines)
        case .list(let items):
            guard let item = items.first(where: { matches($0, name) }) else { return bytes }
            return removingLines(item.lines)
        case .leaf: return bytes
        }
    }

    private func removingLines(_ range: Range<Int>) -> [UInt8] {
        var start = lines[range.lowerBound].start
        let end = lines[range.upperBound - 1].next
        if end == bytes.count, bytes.last != 10, start > textStart(bytes) {
            start -= bytes[..<start].suffix(2).elementsEqual([13, 10]) ? 2 : 1
        }
        return bytes.replacing(start..<end, with: "")
    }

    private var ending: String { lineEnding(bytes) }
}
