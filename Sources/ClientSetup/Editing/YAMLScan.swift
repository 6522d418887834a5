// YAMLScan: reads the YAML that people write by hand: block mappings and lists, scalars of every style, flow values as leaves. It
// remembers the lines on which everything stands. What it does not know (several documents, tabs) it refuses.

/// A value and its place.
struct YAMLNode {
    enum Kind {
        case mapping([YAMLEntry])
        case list([YAMLItem])
        case leaf(SettingValue)
    }

    var kind: Kind
    /// The value's own text.
    var range: Range<Int>
    /// Where its names or dashes begin on their lines.
    var column: Int

    var value: SettingValue {
        switch kind {
        case .mapping(let entries): .object(entries.map { SettingMember($0.name, $0.node.value) })
        case .list(let items): .array(items.map(\.node.value))
        case .leaf(let value): value
        }
    }
}

/// A name with its value.
struct YAMLEntry {
    var name: String
    var nameStart: Int
    /// Behind the colon.
    var colonEnd: Int
    var node: YAMLNode
    /// Its lines: from the name's to behind the last one with content.
    var lines: Range<Int>
}

/// An element of a list.
struct YAMLItem {
    /// Behind the dash.
    var dashEnd: Int
    var node: YAMLNode
    var lines: Range<Int>
}

/// A line of the file.
struct YAMLLine {
    var start: Int
    /// Without the line's end and the space before it.
    var end: Int
    var next: Int
    var indent: Int
    /// Empty, or a comment alone.
    var isBlank: Bool
}

/// One pass over the lines.
struct YAMLScan {
    static let depthMax = 64

    let bytes: [UInt8]
    let lines: [YAMLLine]
    var index = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var lines: [YAMLLine] = []
        var start = textStart(bytes)
        while start < bytes.count {
            let next = bytes[start...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
            var end = next
            while end > start, [10, 13, 32, 9].contains(bytes[end - 1]) { end -= 1 }
            let indent = bytes[start..<end].prefix { $0 == 32 }.count
            let content = bytes[start..<end].first { $0 != 32 && $0 != 9 }
            let isBlank = content == nil || content == UInt8(ascii: "#")
            lines.append(YAMLLine(start: start, end: end, next: next, indent: indent, isBlank: isBlank))
            start = next
        }
        self.lines = lines
    }

    /// The one value of the file; nil when there is none.
    mutating func document() throws(MalformedFile) -> YAMLNode? {
        skipBlank()
        while let line = current, bytes[line.start] == UInt8(ascii: "%") { index += 1 }
        if let line = current, isMark(line, "---") {
            guard line.end == line.start + 3 else { throw fault("a document that begins on the line of its --- is not edited here") }
            index += 1
        }
        skipBlank()
        guard let line = current, !isMark(line, "...") else { return nil }
        let node = try block(line.start + line.indent)
        skipBlank()
        if let line = current {
            if isMark(line, "---") { throw fault("several documents in one file are not edited here") }
            guard isMark(line, "...") else { throw fault("this does not belong to what stands above it") }
        }
        return node
    }

    private var current: YAMLLine? { index < lines.count ? lines[index] : nil }

    private func isMark(_ line: YAMLLine, _ mark: String) -> Bool {
        line.indent == 0 && bytes[line.start..<line.end].starts(with: mark.utf8)
            && (line.end == line.start + 3 || bytes[line.start + 3] == 32)
    }

    private mutating func skipBlank() {
        while let line = current, line.isBlank { index += 1 }
    }

    func fault(_ message: String) -> MalformedFile {
        MalformedFile(line: min(index, max(lines.count - 1, 0)) + 1, message: message)
    }

    private func isDash(_ position: Int, _ line: YAMLLine) -> Bool {
        position < line.end && bytes[position] == UInt8(ascii: "-") && (position + 1 == line.end || bytes[position + 1] == 32)
    }

    // MARK: Blocks

    /// A mapping, a list or a leaf that begins at this place of the current line.
    private mutating func block(_ start: Int) throws(MalformedFile) -> YAMLNode {
        guard let line = current else { throw fault("a value is missing") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("nested more than \(Self.depthMax) deep") }
        if bytes[start] == 9 { throw fault("a tab cannot indent YAML") }
        let column = start - line.start
        if isDash(start, line) { return try list(start, column) }
        if key(start, line) != nil { return try mapping(start, column) }
        return try leaf(start, column - 1)
    }

    private mutating func mapping(_ start: Int, _ column: Int) throws(MalformedFile) -> YAMLNode {
        var entries: [YAMLEntry] = []
        var position = start
        var end = start
        while let line = current {
            guard let (name, colonEnd) = key(position, line) else { throw fault("a name with a colon is expected here") }
            let first = index
            let node = try value(colonEnd, column)
            if entries.contains(where: { $0.name == name }) {
                index = first
                throw fault("\(name) stands here twice")
            }
            entries.append(YAMLEntry(name: name, nameStart: position, colonEnd: colonEnd, node: node, lines: first..<index))
            end = max(node.range.upperBound, colonEnd)
            guard let next = nextContent(column), !isDash(lines[next].start + column, lines[next]), !isMark(lines[next], "---"),
                !isMark(lines[next], "...")
            else { break }
            index = next
            position = lines[next].start + column
        }
        return YAMLNode(kind: .mapping(entries), range: start..<end, column: column)
    }

    private mutating func list(_ start: Int, _ column: Int) throws(MalformedFile) -> YAMLNode {
        var items: [YAMLItem] = []
        var position = start
        var end = start
        while let line = current {
            let first = index
            var content = position + 1
            while content < line.end, bytes[content] == 32 { content += 1 }
            let node: YAMLNode
            if content < line.end, bytes[content] != UInt8(ascii: "#"), isDash(content, line) || key(content, line) != nil {
                node = try block(content)
            } else {
                node = try value(position + 1, column)
            }
            items.append(YAMLItem(dashEnd: position + 1, node: node, lines: first..<index))
            end = max(node.range.upperBound, position + 1)
            guard let next = nextContent(column), isDash(lines[next].start + column, lines[next]) else { break }
            index = next
            position = lines[next].start + column
        }
        return YAMLNode(kind: .list(items), range: start..<end, column: column)
    }

    /// The next line with content, if it begins at this column.
    private func nextContent(_ column: Int) -> Int? {
        guard let next = lines[index...].firstIndex(where: { !$0.isBlank }), lines[next].indent == column else { return nil }
        return next
    }

    /// What stands behind a colon or a dash; `column` is where the name or the dash stands.
    private mutating func value(_ start: Int, _ column: Int) throws(MalformedFile) -> YAMLNode {
        guard let line = current else { throw fault("a value is missing") }
        var position = start
        while position < line.end, bytes[position] == 32 || bytes[position] == 9 { position += 1 }
        if position < line.end, bytes[position] != UInt8(ascii: "#") { return try leaf(position, column) }
        guard let next = lines[(index + 1)...].firstIndex(where: { !$0.isBlank }),
            lines[next].indent > column
                || (lines[next].indent == column && isDash(lines[next].start + column, lines[next])
                    && !isDash(lines[index].start + column, lines[index]))
        else {
            index += 1
            return YAMLNode(kind: .leaf(.null), range: start..<start, column: column)
        }
        index = next
        return try block(lines[next].start + lines[next].indent)
    }

    /// A name and the place behind its colon.
    private func key(_ start: Int, _ line: YAMLLine) -> (String, Int)? {
        guard start < line.end else { return nil }
        let quote = bytes[start]
        guard quote != 9 else { return nil }
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            guard let (text, end) = YAMLLeaf.quoted(bytes, start, line.end) else { return nil }
            var colon = end
            while colon < line.end, bytes[colon] == 32 { colon += 1 }
            guard colon < line.end, bytes[colon] == UInt8(ascii: ":"), colon + 1 == line.end || bytes[colon + 1] == 32 else { return nil }
            return (text, colon + 1)
        }
        guard !"[{#|>&*!%@`".utf8.contains(quote) else { return nil }
        var position = start
        while position < line.end {
            if bytes[position] == UInt8(ascii: ":"), position + 1 == line.end || bytes[position + 1] == 32 {
                return (bytes.text(start..<position).trimmed, position + 1)
            }
            if bytes[position] == UInt8(ascii: "#"), bytes[position - 1] == 32 { return nil }
            position += 1
        }
        return nil
    }

    /// A scalar or a flow value, over as many lines as it takes.
    private mutating func leaf(_ start: Int, _ column: Int) throws(MalformedFile) -> YAMLNode {
        guard let line = current else { throw fault("a value is missing") }
        let first = bytes[start]
        var end = line.end
        let value: SettingValue
        switch first {
        case UInt8(ascii: "|"), UInt8(ascii: ">"):
            index += 1
            while let next = current, next.indent > column || next.start == next.end { index += 1 }
            while index > 0, lines[index - 1].start == lines[index - 1].end { index -= 1 }
            end = lines[index - 1].end
            return YAMLNode(kind: .leaf(.raw(bytes.text(start..<end))), range: start..<end, column: column)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            guard let (text, after) = YAMLLeaf.quoted(bytes, start, bytes.count) else { throw fault("a string has no end") }
            (value, end) = (.string(text), after)
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            var flow = YAMLLeaf.Flow(bytes: bytes, position: start)
            guard let found = flow.value() else { throw fault("this list or mapping in brackets is not closed") }
            (value, end) = (found, flow.position)
        default:
            end = YAMLLeaf.withoutComment(bytes, start, line.end)
            var text = bytes.text(start..<end)
            while let next = lines[(index + 1)...].first, !next.isBlank, next.indent > column {
                index += 1
                let start = next.start + next.indent
                end = YAMLLeaf.withoutComment(bytes, start, next.end)
                text += " " + bytes.text(start..<end)
            }
            if YAMLLeaf.isName(text) { throw fault("this value holds a colon and a space: put it in quotes") }
            index += 1
            return YAMLNode(kind: .leaf(YAMLLeaf.plain(text)), range: start..<end, column: column)
        }
        while let next = current, next.next <= end - 1 { index += 1 }
        guard let last = current, restIsComment(end, last.end) else { throw fault("something follows the end of the value") }
        index += 1
        return YAMLNode(kind: .leaf(value), range: start..<end, column: column)
    }

    private func restIsComment(_ start: Int, _ end: Int) -> Bool {
        guard let first = bytes[start..<max(start, end)].first(where: { $0 != 32 && $0 != 9 }) else { return true }
        return first == UInt8(ascii: "#")
    }
}
