// WireReader: the protobuf wire format (protobuf.dev/programming-guides/encoding), one field at a time, of bytes that nobody
// vouches for. It copies nothing and never reads outside its bytes.

/// One field as it lies on the wire.
struct WireField {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(UnsafeRawBufferPointer)
    }

    let number: UInt32
    let value: Value

    var bytes: UnsafeRawBufferPointer? { if case .bytes(let bytes) = value { bytes } else { nil } }
    var varint: UInt64? { if case .varint(let value) = value { value } else { nil } }
    var fixed64: UInt64? { if case .fixed64(let value) = value { value } else { nil } }
    /// Text; bytes that are no UTF-8 become U+FFFD.
    var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    /// An enum or an int32, which is a varint cut to 32 bits.
    var int32: Int32? { varint.map { Int32(truncatingIfNeeded: $0) } }
}

/// A cursor over one message.
struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// How deep groups may nest: they are an old form that nothing here sends, and are crossed.
    private static let groupDepthMax = 16

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil at the end.
    mutating func next() throws(TelemetryError) -> WireField? {
        while position < bytes.count {
            let (number, type) = try tag()
            switch type {
            case 0: return WireField(number: number, value: .varint(try varint()))
            case 1: return WireField(number: number, value: .fixed64(try fixed(8)))
            case 2: return WireField(number: number, value: .bytes(try lengthDelimited()))
            case 5: return WireField(number: number, value: .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
            case 3: try skipGroup(number, depth: 1)
            default: throw .malformed("a field of wire type \(type) stands at byte \(position)")
            }
        }
        return nil
    }

    private mutating func tag() throws(TelemetryError) -> (number: UInt32, type: UInt64) {
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >> 3 > 0 else { throw .malformed("there is no such field: byte \(position)") }
        return (UInt32(tag >> 3), tag & 7)
    }

    private mutating func varint() throws(TelemetryError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            // The tenth byte holds the 64th bit and no other.
            if shift == 63, byte > 1 { throw .malformed("a number is too long: byte \(position)") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .malformed("the message ends inside a number")
    }

    private mutating func fixed(_ count: Int) throws(TelemetryError) -> UInt64 {
        guard count <= bytes.count - position else { throw .malformed("the message ends inside a number") }
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += count
        return value
    }

    private mutating func lengthDelimited() throws(TelemetryError) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard length <= UInt64(bytes.count - position) else { throw .malformed("a field is longer than its message: byte \(position)") }
        let start = position
        position += Int(length)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func skipGroup(_ number: UInt32, depth: Int) throws(TelemetryError) {
        guard depth <= Self.groupDepthMax else { throw .tooDeep(max: Self.groupDepthMax) }
        while true {
            guard position < bytes.count else { throw .malformed("a group is not closed") }
            let (inner, type) = try tag()
            switch type {
            case 0: _ = try varint()
            case 1: _ = try fixed(8)
            case 2: _ = try lengthDelimited()
            case 3: try skipGroup(inner, depth: depth + 1)
            case 4:
                guard inner == number else { throw .malformed("a group is closed by another's end") }
                return
            case 5: _ = try fixed(4)
            default: throw .malformed("a field of wire type \(type) stands at byte \(position)")
            }
        }
    }
}
