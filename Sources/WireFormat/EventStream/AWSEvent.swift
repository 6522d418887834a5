// AWSEvent: one message of an AWS event stream (`application/vnd.amazon.eventstream`; protocols.md, section 4.2):
// total length, headers length, CRC of both, headers, payload, CRC of all before it. Big-endian.

/// What can be wrong with an event stream. After any of these, nothing that follows can be trusted.
package enum AWSEventStreamError: Error, Sendable, Hashable {
    case preludeChecksum
    case messageChecksum
    /// A length that cannot be, or is over a limit.
    case length
    /// A header that is cut short, of an unknown type, without a name or twice there.
    case headers
    /// The stream ended inside a message.
    case truncated
}

/// The value of a header.
package enum AWSHeaderValue: Sendable, Hashable {
    case boolean(Bool)
    case int8(Int8)
    case int16(Int16)
    case int32(Int32)
    case int64(Int64)
    case bytes([UInt8])
    case string(String)
    /// Milliseconds since 1970.
    case timestamp(Int64)
    case uuid([UInt8])
}

/// One header.
package struct AWSHeader: Sendable, Hashable {
    package var name: String
    package var value: AWSHeaderValue

    package init(_ name: String, _ value: AWSHeaderValue) {
        self.name = name
        self.value = value
    }
}

/// One message. Valid while the bytes that it was found in are.
package struct AWSEvent {
    /// What a message is: `:message-type`.
    package enum Kind: Sendable, Hashable {
        case event
        /// A failure that the service's model knows: `:exception-type`.
        case exception
        /// Any other failure: `:error-code` and `:error-message`.
        case error
        /// A type that is not specified, or none.
        case other
    }

    package let kind: Kind
    /// `:event-type`, `:exception-type` or `:error-code`; empty when there is none.
    package let name: UnsafeRawBufferPointer
    /// The payload; of an error, its `:error-message`.
    package let data: UnsafeRawBufferPointer
    /// The headers' bytes.
    package let headerBytes: UnsafeRawBufferPointer
    /// The whole message as received.
    package let raw: UnsafeRawBufferPointer

    /// Every header, in order.
    package var headers: [AWSHeader] {
        var found: [AWSHeader] = []
        var cursor = AWSHeaderCursor(headerBytes)
        while let field = cursor.next() { found.append(AWSHeader(String(decoding: field.name, as: UTF8.self), field.decoded)) }
        return found
    }

    /// Reads a whole message whose lengths and checksums were found good. Throws when its headers are wrong.
    init(_ raw: UnsafeRawBufferPointer, headersBytes: Int) throws(AWSEventStreamError) {
        self.raw = raw
        headerBytes = UnsafeRawBufferPointer(rebasing: raw[12..<12 + headersBytes])
        let nothing = UnsafeRawBufferPointer(rebasing: raw[0..<0])
        var type = nothing
        var event: UnsafeRawBufferPointer?
        var exception: UnsafeRawBufferPointer?
        var code: UnsafeRawBufferPointer?
        var message: UnsafeRawBufferPointer?
        var cursor = AWSHeaderCursor(headerBytes)
        var count = 0
        while let field = cursor.next() {
            count += 1
            guard count <= AWSEventFramer.headersMax, !cursor.wasNamedBefore(field) else { throw .headers }
            guard field.type == 7 else { continue }
            if equals(field.name, ":message-type") { type = field.value }
            if equals(field.name, ":event-type") { event = field.value }
            if equals(field.name, ":exception-type") { exception = field.value }
            if equals(field.name, ":error-code") { code = field.value }
            if equals(field.name, ":error-message") { message = field.value }
        }
        guard cursor.isAtEnd else { throw .headers }
        var data = UnsafeRawBufferPointer(rebasing: raw[(12 + headersBytes)..<(raw.count - 4)])
        if equals(type, "event") {
            kind = .event
            name = event ?? nothing
        } else if equals(type, "exception") {
            kind = .exception
            name = exception ?? nothing
        } else if equals(type, "error") {
            kind = .error
            name = code ?? nothing
            data = message ?? nothing
        } else {
            kind = .other
            name = event ?? nothing
        }
        self.data = data
    }

    package func isNamed(_ text: StaticString) -> Bool { equals(name, text) }
}

private func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where bytes[index] != text.utf8Start[index] { return false }
    return true
}

/// Walks over headers without copying them. Stops at the first that is wrong.
private struct AWSHeaderCursor {
    struct Field {
        var start: Int
        var name: UnsafeRawBufferPointer
        var type: UInt8
        var value: UnsafeRawBufferPointer

        var decoded: AWSHeaderValue {
            switch type {
            case 0, 1: .boolean(type == 0)
            case 2: .int8(Int8(truncatingIfNeeded: integer))
            case 3: .int16(Int16(truncatingIfNeeded: integer))
            case 4: .int32(Int32(truncatingIfNeeded: integer))
            case 5: .int64(integer)
            case 6: .bytes(Array(value))
            case 7: .string(String(decoding: value, as: UTF8.self))
            case 8: .timestamp(integer)
            default: .uuid(Array(value))
            }
        }

        private var integer: Int64 { value.reduce(0) { $0 << 8 | Int64($1) } }
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func next() -> Field? {
        guard position < bytes.count else { return nil }
        let nameCount = Int(bytes[position])
        let typePlace = position + 1 + nameCount
        guard nameCount > 0, typePlace < bytes.count else { return nil }
        let type = bytes[typePlace]
        var valueStart = typePlace + 1
        let valueCount: Int
        switch type {
        case 0, 1: valueCount = 0
        case 2: valueCount = 1
        case 3: valueCount = 2
        case 4: valueCount = 4
        case 5, 8: valueCount = 8
        case 9: valueCount = 16
        case 6, 7:
            guard valueStart + 2 <= bytes.count else { return nil }
            valueCount = Int(bytes[valueStart]) << 8 | Int(bytes[valueStart + 1])
            valueStart += 2
        default: return nil
        }
        guard valueStart + valueCount <= bytes.count else { return nil }
        let field = Field(
            start: position, name: UnsafeRawBufferPointer(rebasing: bytes[position + 1..<typePlace]), type: type,
            value: UnsafeRawBufferPointer(rebasing: bytes[valueStart..<valueStart + valueCount]))
        position = valueStart + valueCount
        return field
    }

    /// Whether a header before this one has its name. Headers are few, so they are walked again rather than remembered.
    func wasNamedBefore(_ field: Field) -> Bool {
        var earlier = AWSHeaderCursor(bytes)
        while let other = earlier.next(), other.start < field.start {
            if other.name.count == field.name.count, other.name.elementsEqual(field.name) { return true }
        }
        return false
    }
}
