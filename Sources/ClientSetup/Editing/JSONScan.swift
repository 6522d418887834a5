// JSONScan: reads JSON with comments and trailing commas, and remembers where everything stands.

/// A value and its place.
struct JSONNode {
    enum Kind {
        case object([JSONMember])
        case array([JSONNode])
        case scalar(SettingValue)
    }

    var kind: Kind
    var range: Range<Int>
    /// Behind the last token or comment before the closing bracket.
    var contentEnd = 0
    /// Where the comma behind the last member stands, if there is one.
    var trailingComma: Int?

    var value: SettingValue {
        switch kind {
        case .scalar(let value): value
        case .array(let nodes): .array(nodes.map(\.value))
        case .object(let members): .object(members.map { SettingMember($0.name, $0.node.value) })
        }
    }
}

/// A member of an object and its place.
struct JSONMember {
    var name: String
    var nameStart: Int
    var node: JSONNode
    /// Where the comma behind it stands, if there is one.
    var comma: Int?
}

/// One pass over the bytes.
struct JSONScan {
    static let depthMax = 128

    let bytes: [UInt8]
    var position: Int
    var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = textStart(bytes)
    }

    /// The one value of the file; nil when there is none.
    mutating func document() throws(MalformedFile) -> JSONNode? {
        try skip()
        guard position < bytes.count else { return nil }
        let node = try value()
        try skip()
        guard position == bytes.count else { throw fault("something follows the end of the value") }
        return node
    }

    private func fault(_ message: String) -> MalformedFile {
        MalformedFile(line: lineNumber(bytes, position), message: message)
    }

    /// Space and comments; gives the end of the last comment, if there was one.
    @discardableResult private mutating func skip() throws(MalformedFile) -> Int? {
        var end: Int?
        while position < bytes.count {
            switch bytes[position] {
            case 32, 9, 10, 13: position += 1
            case UInt8(ascii: "/") where bytes[position...].starts(with: "//".utf8):
                position = bytes[position...].firstIndex(of: 10) ?? bytes.count
                end = bytes[position - 1] == 13 ? position - 1 : position
            case UInt8(ascii: "/") where bytes[position...].starts(with: "/*".utf8):
                let start = position
                position += 2
                while !bytes[position...].starts(with: "*/".utf8) {
                    guard position < bytes.count else {
                        position = start
                        throw fault("a comment has no end")
                    }
                    position += 1
                }
                position += 2
                end = position
            default: return end
            }
        }
        return end
    }

    private mutating func value() throws(MalformedFile) -> JSONNode {
        guard position < bytes.count else { throw fault("a value is missing") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""):
            let start = position
            let text = try string()
            return JSONNode(kind: .scalar(.string(text)), range: start..<position)
        default:
            let start = position
            while position < bytes.count, isWord(bytes[position]) { position += 1 }
            let word = bytes.text(start..<position)
            guard let value = scalar(word) else {
                position = start
                throw fault(word.isEmpty ? "a value is missing" : "\(word) is no JSON value")
            }
            return JSONNode(kind: .scalar(value), range: start..<position)
        }
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    private func scalar(_ word: String) -> SettingValue? {
        switch word {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard let first = word.utf8.first, first == UInt8(ascii: "-") || (48...57).contains(first) else { return nil }
            if let integer = Int64(word) { return .integer(integer) }
            return Double(word) == nil ? nil : .number(word)
        }
    }

    private mutating func object() throws(MalformedFile) -> JSONNode {
        let start = position
        var members: [JSONMember] = []
        var node = JSONNode(kind: .object([]), range: start..<start)
        try open()
        node.contentEnd = position
        while true {
            if let comment = try skip() { node.contentEnd = comment }
            guard position < bytes.count else {
                position = start
                throw fault("this { is not closed")
            }
            if bytes[position] == UInt8(ascii: "}") { break }
            if let last = members.last, last.comma == nil { throw fault("a comma is missing before this") }
            guard bytes[position] == UInt8(ascii: "\"") else { throw fault("a name in quotes is expected here") }
            let nameStart = position
            let name = try string()
            try skip()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw fault("a colon is expected here") }
            position += 1
            try skip()
            var member = JSONMember(name: name, nameStart: nameStart, node: try value())
            node.contentEnd = position
            if let comment = try skip() { node.contentEnd = comment }
            if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                member.comma = position
                position += 1
                node.contentEnd = position
            }
            members.append(member)
        }
        node.trailingComma = members.last?.comma
        close()
        node.kind = .object(members)
        node.range = start..<position
        return node
    }

    private mutating func array() throws(MalformedFile) -> JSONNode {
        let start = position
        var nodes: [JSONNode] = []
        var needsComma = false
        try open()
        while true {
            try skip()
            guard position < bytes.count else {
                position = start
                throw fault("this [ is not closed")
            }
            if bytes[position] == UInt8(ascii: "]") { break }
            if needsComma { throw fault("a comma is missing before this") }
            nodes.append(try value())
            try skip()
            needsComma = true
            if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                position += 1
                needsComma = false
            }
        }
        close()
        return JSONNode(kind: .array(nodes), range: start..<position)
    }

    private mutating func open() throws(MalformedFile) {
        depth += 1
        guard depth <= Self.depthMax else { throw fault("nested more than \(Self.depthMax) deep") }
        position += 1
    }

    private mutating func close() {
        depth -= 1
        position += 1
    }

    private mutating func string() throws(MalformedFile) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case 0..<32:
                position = start
                throw fault("a string has no end on its line")
            case UInt8(ascii: "\\"): text += Array(String(try escape()).utf8)
            default: text.append(byte)
            }
        }
        position = start
        throw fault("a string has no end")
    }

    private mutating func escape() throws(MalformedFile) -> Character {
        guard position < bytes.count else { throw fault("a string has no end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), bytes[position...].starts(with: "\\u".utf8) {
                position += 2
                let low = try hexadecimal()
                if (0xDC00..<0xE000).contains(low) { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) }
            }
            return Character(Unicode.Scalar(code) ?? "\u{FFFD}")
        default: throw fault("an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(MalformedFile) -> UInt32 {
        guard position + 4 <= bytes.count, let code = UInt32(bytes.text(position..<(position + 4)), radix: 16) else {
            throw fault("an unknown escape in a string")
        }
        position += 4
        return code
    }
}
