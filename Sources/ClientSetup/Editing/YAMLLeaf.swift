// YAMLLeaf: scalars of YAML in every style, and flow values.

/// Reads single values.
enum YAMLLeaf {
    /// A string in quotes and the place behind it.
    static func quoted(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> (String, Int)? {
        let quote = bytes[start]
        var text: [UInt8] = []
        var position = start + 1
        while position < limit {
            let byte = bytes[position]
            position += 1
            if byte == quote {
                guard quote == UInt8(ascii: "'"), position < limit, bytes[position] == quote else {
                    return (String(decoding: text, as: UTF8.self), position)
                }
                text.append(quote)
                position += 1
            } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\""), position < limit {
                guard let escaped = escape(bytes, &position) else { return nil }
                text += escaped
            } else if byte == 10 || byte == 13 {
                // A line's end is a space, however far the next line is indented.
                while position < limit, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
                while text.last == 32 { text.removeLast() }
                text.append(32)
            } else {
                text.append(byte)
            }
        }
        return nil
    }

    private static func escape(_ bytes: [UInt8], _ position: inout Int) -> [UInt8]? {
        let byte = bytes[position]
        position += 1
        let lengths: [UInt8: Int] = [UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8]
        if let length = lengths[byte] {
            guard position + length <= bytes.count, let code = UInt32(bytes.text(position..<(position + length)), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { return nil }
            position += length
            return Array(String(Character(scalar)).utf8)
        }
        switch byte {
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "0"): return [0]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "e"): return [27]
        case 10:
            while position < bytes.count, bytes[position] == 32 || bytes[position] == 9 { position += 1 }
            return []
        default: return [byte]
        }
    }

    /// The end of a plain scalar: a comment begins behind a space.
    static func withoutComment(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var limit = end
        for position in start..<end where bytes[position] == UInt8(ascii: "#") && position > start && [32, 9].contains(bytes[position - 1])
        {
            limit = position
            break
        }
        while limit > start, [32, 9].contains(bytes[limit - 1]) { limit -= 1 }
        return limit
    }

    /// Whether a plain scalar would be taken for a name with a value.
    static func isName(_ text: String) -> Bool { text.contains(": ") || text.hasSuffix(":") }

    static func plain(_ text: String) -> SettingValue {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .bool(true)
        case "false", "False", "FALSE": .bool(false)
        default:
            if let number = Int64(text) {
                .integer(number)
            } else if let first = text.utf8.first, (48...57).contains(first) || "-+.".utf8.contains(first), Double(text) != nil {
                .number(text)
            } else if let first = text.utf8.first, "&*!".utf8.contains(first) {
                .raw(text)
            } else {
                .string(text)
            }
        }
    }

    /// A value in brackets.
    struct Flow {
        let bytes: [UInt8]
        var position: Int
        private var depth = 0

        init(bytes: [UInt8], position: Int) {
            self.bytes = bytes
            self.position = position
        }

        private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skip() {
            while let byte = peek {
                if byte == UInt8(ascii: "#"), position == 0 || [32, 9, 10].contains(bytes[position - 1]) {
                    while let next = peek, next != 10 { position += next == 10 ? 0 : 1 }
                } else if [32, 9, 10, 13].contains(byte) {
                    position += 1
                } else {
                    return
                }
            }
        }

        mutating func value() -> SettingValue? {
            skip()
            depth += 1
            defer { depth -= 1 }
            guard let first = peek, depth <= YAMLScan.depthMax else { return nil }
            switch first {
            case UInt8(ascii: "["): return list()
            case UInt8(ascii: "{"): return mapping()
            default: return scalar()
            }
        }

        private mutating func scalar() -> SettingValue? {
            guard let first = peek else { return nil }
            if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
                guard let (text, end) = YAMLLeaf.quoted(bytes, position, bytes.count) else { return nil }
                position = end
                return .string(text)
            }
            let start = position
            while let byte = peek, !",[]{}\n".utf8.contains(byte) {
                if byte == UInt8(ascii: ":"), position + 1 < bytes.count, " ,]}\n".utf8.contains(bytes[position + 1]) { break }
                position += 1
            }
            return YAMLLeaf.plain(bytes.text(start..<position).trimmed)
        }

        private mutating func list() -> SettingValue? {
            position += 1
            var elements: [SettingValue] = []
            while true {
                skip()
                guard let byte = peek else { return nil }
                if byte == UInt8(ascii: "]") { break }
                guard let element = value() else { return nil }
                elements.append(element)
                skip()
                if peek == UInt8(ascii: ",") { position += 1 } else if peek != UInt8(ascii: "]") { return nil }
            }
            position += 1
            return .array(elements)
        }

        private mutating func mapping() -> SettingValue? {
            position += 1
            var members: [SettingMember] = []
            while true {
                skip()
                guard let byte = peek else { return nil }
                if byte == UInt8(ascii: "}") { break }
                guard let name = scalar() else { return nil }
                skip()
                var member = SettingValue.null
                if peek == UInt8(ascii: ":") {
                    position += 1
                    skip()
                    if let next = peek, next != UInt8(ascii: ","), next != UInt8(ascii: "}") {
                        guard let found = value() else { return nil }
                        member = found
                    }
                }
                members.append(SettingMember(YAMLText.scalar(name, isName: true), member))
                skip()
                if peek == UInt8(ascii: ",") { position += 1 } else if peek != UInt8(ascii: "}") { return nil }
            }
            position += 1
            return .object(members)
        }
    }
}

/// Writes values as YAML.
enum YAMLText {
    /// Behind a colon or a dash whose name or dash stands at `column`.
    static func behind(_ value: SettingValue, column: Int, ending: String) -> String {
        switch value {
        case .raw(let text): return text
        case .object(let members) where !members.isEmpty:
            return ending + block(value, column: column + 2, ending: ending)
        case .array(let elements) where !elements.isEmpty:
            return ending + block(value, column: column + 2, ending: ending)
        default: return " " + scalar(value, isName: false)
        }
    }

    /// Lines at a column, without an end at the last one.
    static func block(_ value: SettingValue, column: Int, ending: String) -> String {
        let indent = String(repeating: " ", count: column)
        switch value {
        case .object(let members):
            return members.map { indent + entry($0.name, $0.value, column: column, ending: ending) }.joined(separator: ending)
        case .array(let elements):
            return elements.map { indent + item($0, column: column, ending: ending) }.joined(separator: ending)
        default: return indent + scalar(value, isName: false)
        }
    }

    static func entry(_ name: String, _ value: SettingValue, column: Int, ending: String) -> String {
        scalar(.string(name), isName: true) + ":" + behind(value, column: column, ending: ending)
    }

    static func item(_ value: SettingValue, column: Int, ending: String) -> String {
        switch value {
        case .raw(let text): return "-" + text
        case .object(let members) where !members.isEmpty:
            // The first name stands on the dash's line.
            return "- " + String(block(value, column: column + 2, ending: ending).dropFirst(column + 2))
        default: return "-" + behind(value, column: column, ending: ending)
        }
    }

    /// Plain where no reader can take it for anything but text; otherwise in double quotes.
    static func scalar(_ value: SettingValue, isName: Bool) -> String {
        switch value {
        case .null: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .integer(let number): return String(number)
        case .number(let text), .raw(let text): return text
        case .array: return "[]"
        case .object: return "{}"
        case .string(let text):
            let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            let isPlain =
                text.utf8.first.map { (65...90).contains($0) || (97...122).contains($0) } == true
                && text.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "_-./".utf8.contains($0)
                } && !words.contains(text.lowercased())
            return isPlain ? text : JSONText.quoted(text)
        }
    }
}
