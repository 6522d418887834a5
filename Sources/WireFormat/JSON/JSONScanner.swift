// JSONScanner: walks JSON text without building anything. It validates what it walks over, since what Weir decides by must be
// what the upstream's parser will read; strings are crossed 16 bytes at a time, so a body of code costs little.

import CSearch

/// The kinds of JSON value.
public enum JSONKind: Sendable, Hashable {
    case object, array, string, number, boolean, null

    /// The kind of a valid value, by its first byte.
    @inlinable
    @inline(__always)
    init(opening: UInt8) {
        switch opening {
        case 123: self = .object
        case 91: self = .array
        case 34: self = .string
        case 116, 102: self = .boolean
        case 110: self = .null
        default: self = .number
        }
    }
}

/// A cursor over JSON text. Every method leaves it behind what it read, or throws.
public struct JSONScanner {
    /// The text.
    public let bytes: UnsafeRawBufferPointer
    /// The next byte to read.
    public private(set) var position: Int
    private var depth = 0
    private let depthMax: Int

    /// A cursor at the beginning of a text.
    public init(_ bytes: UnsafeRawBufferPointer, depthMax: Int = 128) {
        self.bytes = bytes
        self.depthMax = min(depthMax, 128)
        position = 0
    }

    /// A cursor inside the text's one object or array.
    init(_ bytes: UnsafeRawBufferPointer, inside place: Int) {
        self.init(bytes)
        position = place
        depth = 1
    }

    /// The kind of the value that comes next.
    public mutating func peekKind() throws(JSONError) -> JSONKind {
        skipSpace()
        guard position < bytes.count else { throw malformed("the text ends where a value should stand") }
        switch bytes[position] {
        case 123: return .object
        case 91: return .array
        case 34: return .string
        case 45, 48...57: return .number
        case 116, 102: return .boolean
        case 110: return .null
        default: throw malformed("this is no value")
        }
    }

    /// Fails unless only white space is left.
    public mutating func finish() throws(JSONError) {
        skipSpace()
        guard position == bytes.count else { throw malformed("something stands after the value") }
    }

    /// Crosses one value of any kind and gives where it lies.
    @discardableResult
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        switch try peekKind() {
        case .string: return try readString()
        case .object, .array:
            let start = position
            if let base = bytes.baseAddress {
                let end = weir_skip_container(base, start, bytes.count, Int32(depthMax - depth))
                if end > 0 {
                    position = end
                    return start..<end
                }
            }
            try skipContainerSlowly()
            return start..<position
        default: return try skipScalar()
        }
    }

    /// Begins an object: the cursor stands behind `{`. Then call `nextKey` until it gives nil.
    public mutating func enterObject() throws(JSONError) {
        skipSpace()
        try expect(123)
        try deepen()
    }

    /// The next key's bytes between its quotes, with the cursor before the value; nil behind the closing brace.
    /// `isFirst` must be true for the first call and is set false.
    public mutating func nextKey(_ isFirst: inout Bool) throws(JSONError) -> Range<Int>? {
        skipSpace()
        guard position < bytes.count else { throw malformed("the object is not closed") }
        if bytes[position] == 125 {
            position += 1
            depth -= 1
            return nil
        }
        if isFirst {
            isFirst = false
        } else {
            try expect(44)
            skipSpace()
        }
        let quoted = try readString()
        skipSpace()
        try expect(58)
        return quoted.lowerBound + 1..<quoted.upperBound - 1
    }

    /// The next member with its value crossed; nil behind the closing brace. `isFirst` as `nextKey` has it. With `leavingArrays`, the
    /// cursor stands before a value that is an array, whose range is empty: it is for the caller to cross.
    public mutating func nextMember(_ isFirst: inout Bool, leavingArrays: Bool = false) throws(JSONError) -> JSONMember? {
        if let base = bytes.baseAddress {
            var found = weir_member()
            switch weir_next_member(
                base, position, bytes.count, isFirst ? 1 : 0, Int32(depthMax - depth), leavingArrays ? 1 : 0, &found)
            {
            case 1:
                position = found.value_end
                isFirst = false
                return JSONMember(bytes, found)
            case 0:
                position = found.value_end
                depth -= 1
                return nil
            default: break
            }
        }
        guard let key = try nextKey(&isFirst) else { return nil }
        let kind = try peekKind()
        if leavingArrays, kind == .array { return member(key, kind, position..<position) }
        return member(key, kind, try skipValue())
    }

    /// Begins an array: the cursor stands behind `[`. Then call `nextElement` until it is false.
    public mutating func enterArray() throws(JSONError) {
        skipSpace()
        try expect(91)
        try deepen()
    }

    /// True when an element comes next (read or skip it), false behind the closing bracket.
    public mutating func nextElement(_ isFirst: inout Bool) throws(JSONError) -> Bool {
        skipSpace()
        guard position < bytes.count else { throw malformed("the array is not closed") }
        if bytes[position] == 93 {
            position += 1
            depth -= 1
            return false
        }
        if isFirst {
            isFirst = false
        } else {
            try expect(44)
        }
        return true
    }

    /// Crosses a string and gives its range with the quotes.
    public mutating func readString() throws(JSONError) -> Range<Int> {
        let start = position
        guard start < bytes.count, bytes[start] == 34, let base = bytes.baseAddress else {
            throw malformed("a string should stand here")
        }
        var index = start + 1
        while true {
            index = weir_string_stop(base, index, bytes.count)
            guard index < bytes.count else { throw malformed("the string is not closed") }
            switch bytes[index] {
            case 34:
                position = index + 1
                return start..<position
            case 92:
                index = try checkEscape(index)
            default:
                position = index
                throw malformed("a control character stands in a string")
            }
        }
    }

    // MARK: Inside

    /// Crosses one escape and gives the index behind it.
    private mutating func checkEscape(_ index: Int) throws(JSONError) -> Int {
        guard index + 1 < bytes.count else { throw malformed("the string is not closed") }
        switch bytes[index + 1] {
        case 34, 92, 47, 98, 102, 110, 114, 116: return index + 2
        case 117:
            guard index + 5 < bytes.count else { throw malformed("the string is not closed") }
            for offset in 2...5 where hexDigit(bytes[index + offset]) == nil {
                position = index
                throw malformed("this is no escape")
            }
            return index + 6
        default:
            position = index
            throw malformed("this is no escape")
        }
    }

    /// Crosses the object or array that comes next, and says what is wrong with it.
    public mutating func skipContainerSlowly() throws(JSONError) {
        // One bit a level says whether it is an object; the depth limit is at most 128.
        var isObject: UInt128 = 0
        var levels = 0
        let outerDepth = depth
        var expectsValue = true
        var isFirst = true
        repeat {
            skipSpace()
            guard position < bytes.count else { throw malformed("the value is not closed") }
            if expectsValue {
                let byte = bytes[position]
                if byte == 123 || byte == 91 {
                    position += 1
                    try deepen()
                    isObject = isObject << 1 | (byte == 123 ? 1 : 0)
                    levels += 1
                    isFirst = true
                    expectsValue = false
                    continue
                }
                if byte == 34 { _ = try readString() } else { try skipScalar() }
                expectsValue = false
                isFirst = false
                continue
            }
            let inObject = isObject & 1 == 1
            if bytes[position] == (inObject ? 125 : 93) {
                position += 1
                depth -= 1
                isObject >>= 1
                levels -= 1
                isFirst = false
                continue
            }
            if !isFirst {
                try expect(44)
                skipSpace()
            }
            if inObject {
                _ = try readString()
                skipSpace()
                try expect(58)
            }
            isFirst = false
            expectsValue = true
        } while levels > 0 || expectsValue
        depth = outerDepth
    }

    @discardableResult
    private mutating func skipScalar() throws(JSONError) -> Range<Int> {
        let start = position
        switch bytes[position] {
        case 116: try literal("true")
        case 102: try literal("false")
        case 110: try literal("null")
        default: try number()
        }
        return start..<position
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw malformed("this is no value") }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] {
            throw malformed("this is no value")
        }
        position += count
    }

    private mutating func number() throws(JSONError) {
        if position < bytes.count, bytes[position] == 45 { position += 1 }
        guard position < bytes.count, isDigit(bytes[position]) else { throw malformed("this is no value") }
        if bytes[position] == 48 { position += 1 } else { digits() }
        if position < bytes.count, bytes[position] == 46 {
            position += 1
            guard position < bytes.count, isDigit(bytes[position]) else { throw malformed("this is no number") }
            digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == 101 {
            position += 1
            if position < bytes.count, bytes[position] == 43 || bytes[position] == 45 { position += 1 }
            guard position < bytes.count, isDigit(bytes[position]) else { throw malformed("this is no number") }
            digits()
        }
    }

    private mutating func digits() {
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    @inline(__always)
    private mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            position += 1
        }
    }

    @inline(__always)
    private mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard position < bytes.count, bytes[position] == byte else { throw missing(byte) }
        position += 1
    }

    /// Apart from `expect`, which is on every path and must stay small.
    @inline(never)
    private func missing(_ byte: UInt8) -> JSONError {
        malformed("'\(Character(UnicodeScalar(byte)))' should stand here")
    }

    private mutating func deepen() throws(JSONError) {
        depth += 1
        if depth > depthMax { throw .tooDeep(max: depthMax) }
    }

    @inline(never)
    private func malformed(_ reason: String) -> JSONError { .malformed(offset: position, reason: reason) }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 48...57: UInt32(byte) - 48
    case 97...102: UInt32(byte) - 87
    case 65...70: UInt32(byte) - 55
    default: nil
    }
}
