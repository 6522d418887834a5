// JSONValue: reading one scalar out of the bytes that the scanner has crossed.

public import CSearch

#if canImport(Glibc)
    import Glibc
#endif

/// Decodes a JSON string's content (between its quotes). Unpaired surrogates become U+FFFD, invalid UTF-8 too.
public func decodeJSONString(_ content: UnsafeRawBufferPointer) -> String {
    guard let base = content.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return "" }
    guard weir_holds_backslash(base, content.count) != 0 else { return String(decoding: content, as: UTF8.self) }
    var out: [UInt8] = []
    out.reserveCapacity(content.count)
    var index = 0
    while index < content.count {
        let byte = content[index]
        guard byte == 92, index + 1 < content.count else {
            out.append(byte)
            index += 1
            continue
        }
        index += 2
        switch content[index - 1] {
        case 98: out.append(8)
        case 102: out.append(12)
        case 110: out.append(10)
        case 114: out.append(13)
        case 116: out.append(9)
        case 117:
            var unit = hexUnit(content, index)
            index += 4
            if unit & 0xFC00 == 0xD800, index + 6 <= content.count, content[index] == 92, content[index + 1] == 117 {
                let low = hexUnit(content, index + 2)
                if low & 0xFC00 == 0xDC00 {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                    index += 6
                }
            }
            out.append(contentsOf: String(Character(UnicodeScalar(unit) ?? "\u{FFFD}")).utf8)
        default: out.append(content[index - 1])
        }
    }
    return String(decoding: out, as: UTF8.self)
}

private func hexUnit(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UInt32 {
    guard start + 4 <= bytes.count else { return 0xFFFD }
    var unit: UInt32 = 0
    for index in start..<start + 4 { unit = unit << 4 | (hexDigit(bytes[index]) ?? 0) }
    return unit
}

/// A JSON number that is an integer in Int64's range; nil for a fraction, an exponent or an overflow.
public func decodeJSONInteger(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    var value: Int64 = 0
    var index = 0
    let isNegative = bytes.first == 45
    if isNegative { index = 1 }
    guard index < bytes.count else { return nil }
    while index < bytes.count {
        guard isDigit(bytes[index]) else {
            // `12.0` is how some servers write 12.
            guard bytes[index] == 46, bytes[(index + 1)...].allSatisfy({ $0 == 48 }), index + 1 < bytes.count else {
                return nil
            }
            break
        }
        let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carried) = shifted.addingReportingOverflow(
            isNegative ? -Int64(bytes[index] - 48) : Int64(bytes[index] - 48))
        if overflow || carried { return nil }
        value = sum
        index += 1
    }
    return value
}

/// One member of an object: its raw key and its value's bytes.
public struct JSONMember {
    /// The key's bytes between the quotes, escapes and all.
    public let rawKey: UnsafeRawBufferPointer
    /// The value's kind.
    public let kind: JSONKind
    /// The value as it stands in the text.
    public var value: UnsafeRawBufferPointer
    /// Where the value lies in the scanned bytes.
    public var range: Range<Int>
    /// Whether an escape stands in the key.
    @usableFromInline
    let hasEscape: Bool

    /// Says where a value lies that was left to the caller.
    public mutating func setRange(_ crossed: Range<Int>, in bytes: UnsafeRawBufferPointer) {
        range = crossed
        value = UnsafeRawBufferPointer(rebasing: bytes[crossed])
    }

    init(rawKey: UnsafeRawBufferPointer, kind: JSONKind, value: UnsafeRawBufferPointer, range: Range<Int>) {
        self.rawKey = rawKey
        self.kind = kind
        self.value = value
        self.range = range
        hasEscape =
            rawKey.baseAddress.map { weir_holds_backslash($0.assumingMemoryBound(to: UInt8.self), rawKey.count) != 0 } ?? false
    }

    /// The member that was found; its value is not empty unless it was left.
    @inlinable
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, _ found: weir_member) {
        rawKey = UnsafeRawBufferPointer(rebasing: bytes[found.key_start..<found.key_end])
        range = found.value_start..<found.value_end
        value = UnsafeRawBufferPointer(rebasing: bytes[range])
        hasEscape = found.key_holds_backslash != 0
        kind = JSONKind(opening: bytes[found.value_start])
    }

    /// Whether the key, escapes decoded, is this. `name` has no escapes.
    @inlinable
    @inline(__always)
    public func isNamed(_ name: StaticString) -> Bool {
        // Most names differ in length, which is seen without a call.
        rawKey.count == name.utf8CodeUnitCount ? isSameKey(name) : hasEscape && key == name.description
    }

    @inlinable
    @inline(__always)
    func isSameKey(_ name: StaticString) -> Bool {
        guard !hasEscape else { return key == name.description }
        guard let base = rawKey.baseAddress else { return true }
        return weir_is_same(base.assumingMemoryBound(to: UInt8.self), name.utf8Start, rawKey.count) != 0
    }

    /// Whether the value is this text. `text` has nothing that is escaped.
    @inlinable
    @inline(__always)
    public func isString(_ text: StaticString) -> Bool {
        guard kind == .string, let base = value.baseAddress else { return false }
        let count = value.count - 2
        let isSame =
            count == text.utf8CodeUnitCount
            && weir_is_same(base.assumingMemoryBound(to: UInt8.self) + 1, text.utf8Start, count) != 0
        return isSame || count > text.utf8CodeUnitCount && string == text.description
    }

    /// The key as text, escapes decoded.
    public var key: String { decodeJSONString(rawKey) }

    /// The text, when the value is a string.
    public var string: String? {
        guard kind == .string else { return nil }
        return decodeJSONString(UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1]))
    }

    /// The number, when the value is one that fits.
    public var integer: Int64? { kind == .number ? decodeJSONInteger(value) : nil }

    /// The truth, when the value is one.
    public var boolean: Bool? { kind == .boolean ? value.first == 116 : nil }
}

extension JSONScanner {
    /// The member that was crossed.
    func member(_ key: Range<Int>, _ kind: JSONKind, _ range: Range<Int>) -> JSONMember {
        JSONMember(
            rawKey: UnsafeRawBufferPointer(rebasing: bytes[key]), kind: kind,
            value: UnsafeRawBufferPointer(rebasing: bytes[range]), range: range)
    }
}

/// Visits the members of the object that `bytes` hold, in order. The whole text is validated, trailing bytes included.
public func forEachJSONMember<Failure: Error>(
    _ bytes: UnsafeRawBufferPointer, depthMax: Int = 128, failure: (JSONError) -> Failure,
    _ body: (JSONMember) throws(Failure) -> Void
) throws(Failure) {
    var scanner = JSONScanner(bytes, depthMax: depthMax)
    var isFirst = true
    do throws(JSONError) { try scanner.enterObject() } catch { throw failure(error) }
    while true {
        let member: JSONMember
        do throws(JSONError) {
            guard let next = try scanner.nextMember(&isFirst) else { break }
            member = next
        } catch {
            throw failure(error)
        }
        try body(member)
    }
    do throws(JSONError) { try scanner.finish() } catch { throw failure(error) }
}

/// Visits the members of an object and stops silently where it is malformed: for text that was validated before, and for
/// reading what can be read of an upstream's answer.
@inlinable
public func visitJSONMembers(_ bytes: UnsafeRawBufferPointer, _ body: (JSONMember) -> Void) {
    guard let base = bytes.baseAddress else { return }
    var place = weir_enter(base, bytes.count, 123)
    guard place > 0 else { return }
    var found = weir_member()
    var isFirst: Int32 = 1
    while true {
        switch weir_next_member(base, place, bytes.count, isFirst, 127, 0, &found) {
        case 1:
            place = found.value_end
            isFirst = 0
            body(JSONMember(bytes, found))
        case 0: return
        default:
            visitMembersSlowly(bytes, from: place, isFirst: isFirst != 0, body)
            return
        }
    }
}

/// Goes on with an object where the quick way gave up.
@usableFromInline
func visitMembersSlowly(_ bytes: UnsafeRawBufferPointer, from place: Int, isFirst: Bool, _ body: (JSONMember) -> Void) {
    var scanner = JSONScanner(bytes, inside: place)
    var isFirst = isFirst
    while let member = try? scanner.nextMember(&isFirst) { body(member) }
}

/// Visits the elements of an array, likewise.
@inlinable
public func visitJSONElements(_ bytes: UnsafeRawBufferPointer, _ body: (JSONKind, UnsafeRawBufferPointer) -> Bool) {
    guard let base = bytes.baseAddress else { return }
    var place = weir_enter(base, bytes.count, 91)
    guard place > 0 else { return }
    var found = weir_member()
    var isFirst: Int32 = 1
    while true {
        switch weir_next_element(base, place, bytes.count, isFirst, 127, &found) {
        case 1:
            place = found.value_end
            isFirst = 0
            let value = UnsafeRawBufferPointer(rebasing: bytes[found.value_start..<found.value_end])
            guard body(JSONKind(opening: bytes[found.value_start]), value) else { return }
        case 0: return
        default:
            visitElementsSlowly(bytes, from: place, isFirst: isFirst != 0, body)
            return
        }
    }
}

/// Goes on with an array where the quick way gave up.
@usableFromInline
func visitElementsSlowly(
    _ bytes: UnsafeRawBufferPointer, from place: Int, isFirst: Bool, _ body: (JSONKind, UnsafeRawBufferPointer) -> Bool
) {
    var scanner = JSONScanner(bytes, inside: place)
    var isFirst = isFirst
    do throws(JSONError) {
        while try scanner.nextElement(&isFirst) {
            let kind = try scanner.peekKind()
            let range = try scanner.skipValue()
            guard body(kind, UnsafeRawBufferPointer(rebasing: bytes[range])) else { return }
        }
    } catch {
        return
    }
}
