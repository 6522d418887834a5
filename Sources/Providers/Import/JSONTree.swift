// JSONTree: a catalogue as a tree whose numbers are still text, so that no price passes through a binary float.

import WireFormat

/// A JSON value. Members keep their order, since a catalogue's first entry may win.
indirect enum JSONTree: Sendable {
    case object([(name: String, value: JSONTree)])
    case array([JSONTree])
    case string(String)
    case number(String)
    case boolean(Bool)
    case null

    init(_ json: [UInt8]) throws(JSONError) {
        let result = json.withUnsafeBytes { bytes -> Result<JSONTree, JSONError> in
            var scanner = JSONScanner(bytes)
            do throws(JSONError) {
                let tree = try Self.read(&scanner)
                try scanner.finish()
                return .success(tree)
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// The scanner bounds the depth, and with it this recursion.
    private static func read(_ scanner: inout JSONScanner) throws(JSONError) -> JSONTree {
        var isFirst = true
        switch try scanner.peekKind() {
        case .object:
            var members: [(name: String, value: JSONTree)] = []
            try scanner.enterObject()
            while let key = try scanner.nextKey(&isFirst) {
                members.append((decodeJSONString(slice(scanner, key)), try read(&scanner)))
            }
            return .object(members)
        case .array:
            var elements: [JSONTree] = []
            try scanner.enterArray()
            while try scanner.nextElement(&isFirst) { elements.append(try read(&scanner)) }
            return .array(elements)
        case .string:
            let quoted = try scanner.readString()
            return .string(decodeJSONString(slice(scanner, quoted.lowerBound + 1..<quoted.upperBound - 1)))
        case .number:
            return .number(String(decoding: slice(scanner, try scanner.skipValue()), as: UTF8.self))
        case .boolean:
            return .boolean(slice(scanner, try scanner.skipValue()).first == 116)
        case .null:
            try scanner.skipValue()
            return .null
        }
    }

    private static func slice(_ scanner: JSONScanner, _ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: scanner.bytes[range])
    }
}

extension JSONTree {
    /// The members of an object; none for any other value.
    var members: [(name: String, value: JSONTree)] {
        if case .object(let members) = self { members } else { [] }
    }

    var elements: [JSONTree] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The digits as they stand in the file. Some catalogues write a price as a string.
    var decimal: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    /// A whole number, `256000` or `256000.0`.
    var integer: Int64? {
        if case .number(let text) = self { scaledDecimal(text, digits: 0) } else { nil }
    }

    subscript(_ name: String) -> JSONTree? { members.first { $0.name == name }?.value }
}
