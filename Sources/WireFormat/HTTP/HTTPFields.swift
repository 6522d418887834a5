// HTTPFields: a head's bytes as they came, and where its fields lie in them. Nothing is decoded until somebody asks.

public import CSearch

/// The header fields of one message, over the bytes of its head.
public struct HTTPFields: Sendable {
    /// Where one field's name and value (trimmed) lie in `bytes`.
    public struct Field: Sendable, Hashable {
        /// Where the name begins.
        public var nameStart: Int32
        /// The name's length.
        public var nameCount: Int32
        /// Where the value begins.
        public var valueStart: Int32
        /// The value's length.
        public var valueCount: Int32
    }

    /// The whole head, from the start line to the empty line.
    public let bytes: [UInt8]
    /// The fields in the order in which they came.
    public let list: [Field]

    /// A head's bytes with the places of its fields.
    public init(bytes: [UInt8], list: [Field]) {
        self.bytes = bytes
        self.list = list
    }

    /// Builds fields from pairs, for tests and for requests that Weir itself makes.
    public init(_ pairs: [(String, String)]) {
        var bytes: [UInt8] = []
        var list: [Field] = []
        for (name, value) in pairs {
            let nameStart = bytes.count
            bytes.append(contentsOf: name.utf8)
            let valueStart = bytes.count + 2
            bytes.append(contentsOf: ": ".utf8)
            bytes.append(contentsOf: value.utf8)
            bytes.append(contentsOf: "\r\n".utf8)
            list.append(
                Field(
                    nameStart: Int32(nameStart), nameCount: Int32(name.utf8.count), valueStart: Int32(valueStart),
                    valueCount: Int32(value.utf8.count)))
        }
        self.init(bytes: bytes, list: list)
    }

    /// Gives the name's bytes as received (any case).
    @inlinable
    @inline(__always)
    public func withName<Result>(_ field: Field, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { all in
            let start = Int(field.nameStart)
            return body(UnsafeRawBufferPointer(rebasing: all[start..<start + Int(field.nameCount)]))
        }
    }

    /// Gives the value's bytes without surrounding white space.
    @inlinable
    @inline(__always)
    public func withValue<Result>(_ field: Field, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { all in
            let start = Int(field.valueStart)
            return body(UnsafeRawBufferPointer(rebasing: all[start..<start + Int(field.valueCount)]))
        }
    }

    /// Whether the field has this name. `name` is lower-case ASCII.
    @inlinable
    @inline(__always)
    public func isNamed(_ field: Field, _ name: StaticString) -> Bool {
        guard Int(field.nameCount) == name.utf8CodeUnitCount else { return false }
        return withName(field) { equalsIgnoringCase($0, name) }
    }

    /// The first field of this name. `name` is lower-case ASCII.
    public func first(_ name: StaticString) -> Field? {
        for index in 0..<list.count where isNamed(list[index], name) { return list[index] }
        return nil
    }

    /// The first value of this name as text, or nil when absent or not UTF-8.
    public func string(_ name: StaticString) -> String? {
        first(name).flatMap { valueString($0) }
    }

    /// The value as text, or nil when it is not UTF-8.
    public func valueString(_ field: Field) -> String? {
        withValue(field) { String(validating: $0, as: UTF8.self) }
    }

    /// The name as text, lower-cased.
    public func nameString(_ field: Field) -> String {
        withName(field) { String(decoding: $0.map(asciiLowercased), as: UTF8.self) }
    }
}

/// Lower-cases an ASCII letter and leaves every other byte.
@inlinable
public func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte >= 65 && byte <= 90 ? byte | 0x20 : byte
}

/// Compares bytes with a lower-case ASCII name, ignoring the case of the bytes.
@inlinable
@inline(__always)
public func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ lowercaseName: StaticString) -> Bool {
    // Most names differ in length, which is seen without a call.
    bytes.count == lowercaseName.utf8CodeUnitCount && isSameIgnoringCase(bytes, lowercaseName.utf8Start)
}

/// Compares as many bytes as there are with a lower-case ASCII name, ignoring their case.
@inlinable
@inline(__always)
public func isSameIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ name: UnsafePointer<UInt8>) -> Bool {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
    return weir_is_same_ignoring_case(base, name, bytes.count) != 0
}
