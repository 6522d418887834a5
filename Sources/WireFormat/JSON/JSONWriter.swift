// JSONWriter: appends JSON to memory of its own, in order, with no tree. What the journal and Weir's own answers are written by.

public import CSearch

/// Writes one JSON value. The caller keeps begins and ends in balance.
///
/// Sendable without a check: the memory has no other owner, and a writer cannot be copied.
public struct JSONWriter: ~Copyable, @unchecked Sendable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var written = 0
    @usableFromInline var needsComma = false

    /// A writer with room for so many bytes, which grows.
    public init(capacity: Int = 512) {
        self.capacity = max(64, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// How many bytes are written.
    public var count: Int { written }

    /// What is written.
    public var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: written)) }

    /// What is written behind the first `start` bytes.
    public func bytes(from start: Int) -> [UInt8] { Array(UnsafeBufferPointer(start: base + start, count: written - start)) }

    /// Lends what is written, to be filled in or sent.
    public mutating func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        body(UnsafeMutableRawBufferPointer(start: base, count: written))
    }

    /// Forgets what was written and keeps the memory. The value begins behind `space` bytes, which are zero.
    public mutating func reset(space: Int = 0) {
        written = 0
        needsComma = false
        room(space).initialize(repeating: 0, count: space)
        written = space
    }

    // MARK: Structure

    /// Opens an object.
    public mutating func beginObject() { open(123) }
    /// Opens an object that is a member.
    @inlinable
    @inline(__always)
    public mutating func beginObject(_ name: StaticString) {
        key(name)
        open(123)
    }
    /// Closes an object.
    public mutating func endObject() { close(125) }
    /// Opens an array.
    public mutating func beginArray() { open(91) }
    /// Opens an array that is a member.
    @inlinable
    @inline(__always)
    public mutating func beginArray(_ name: StaticString) {
        key(name)
        open(91)
    }
    /// Closes an array.
    public mutating func endArray() { close(93) }

    // MARK: Members

    /// A text.
    @inlinable
    @inline(__always)
    public mutating func field(_ name: StaticString, _ value: String) {
        key(name)
        text(value)
    }

    /// Writes the member unless it is nil.
    @inlinable
    @inline(__always)
    public mutating func field(_ name: StaticString, _ value: String?) {
        if let value { field(name, value) }
    }

    /// A number.
    @inlinable
    @inline(__always)
    public mutating func field(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
    }

    /// A number.
    @inlinable
    @inline(__always)
    public mutating func field(_ name: StaticString, _ value: Int) { field(name, Int64(value)) }

    /// A truth.
    public mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        raw(value ? "true" : "false")
        needsComma = true
    }

    /// A member whose value is this text.
    public mutating func field(_ name: StaticString, utf8 value: UnsafeBufferPointer<UInt8>) {
        key(name)
        text(value)
    }

    /// A member whose value is JSON already.
    public mutating func rawField(_ name: StaticString, _ json: some Sequence<UInt8>) {
        key(name)
        raw(ContiguousArray(json))
        needsComma = true
    }

    /// Members that are JSON already, the comma before them included where one is needed.
    public mutating func rawMembers(_ json: [UInt8]) {
        json.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            weir_copy_short(room(bytes.count), start, bytes.count)
        }
        written += json.count
        needsComma = true
    }

    /// A member whose name is not known at compile time.
    public mutating func field(named name: String, _ value: String) {
        comma()
        text(name)
        append(58)
        text(value)
    }

    /// The name of a member that is not known at compile time; its value comes next.
    package mutating func key(named name: String) {
        comma()
        text(name)
        append(58)
        needsComma = false
    }

    /// A member whose name is not known at compile time and whose value is JSON already.
    public mutating func rawField(named name: String, _ json: some Sequence<UInt8>) {
        comma()
        text(name)
        raw(":")
        raw(ContiguousArray(json))
        needsComma = true
    }

    /// An element that is a text.
    public mutating func element(_ value: String) {
        comma()
        text(value)
    }

    /// An element that is a number.
    public mutating func element(_ value: Int64) {
        comma()
        integer(value)
    }

    /// An element that is JSON already.
    public mutating func rawElement(_ json: some Sequence<UInt8>) {
        comma()
        raw(ContiguousArray(json))
        needsComma = true
    }

    // MARK: Inside

    /// A member's name; its value comes next.
    @inlinable
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        let length = name.utf8CodeUnitCount
        var place = room(length + 4)
        if needsComma {
            place[0] = 44
            place += 1
        }
        place[0] = 34
        weir_copy_short(place + 1, name.utf8Start, length)
        place[length + 1] = 34
        place[length + 2] = 58
        written = place + length + 3 - base
        needsComma = false
    }

    /// The place behind what is written, with room for so many bytes.
    @inlinable
    @inline(__always)
    mutating func room(_ wanted: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - written < wanted { grow(wanted) }
        return base + written
    }

    @usableFromInline
    @inline(never)
    mutating func grow(_ wanted: Int) {
        capacity = max(capacity * 2, written + wanted)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: written)
        base.deallocate()
        base = larger
    }

    @inlinable
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        room(1)[0] = byte
        written += 1
    }

    @inlinable
    @inline(__always)
    mutating func comma() {
        if needsComma { append(44) }
        needsComma = false
    }

    @usableFromInline
    mutating func open(_ byte: UInt8) {
        comma()
        append(byte)
    }

    private mutating func close(_ byte: UInt8) {
        append(byte)
        needsComma = true
    }

    private mutating func raw(_ text: StaticString) {
        weir_copy_short(room(text.utf8CodeUnitCount), text.utf8Start, text.utf8CodeUnitCount)
        written += text.utf8CodeUnitCount
    }

    private mutating func raw(_ json: ContiguousArray<UInt8>) {
        json.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { room(bytes.count).update(from: start, count: bytes.count) }
        }
        written += json.count
    }

    @inlinable
    @inline(__always)
    mutating func integer(_ value: Int64) {
        written += weir_json_integer(room(20), value)
        needsComma = true
    }

    @usableFromInline
    mutating func text(_ value: String) {
        value.utf8Span.span.withUnsafeBufferPointer { text($0) }
    }

    private mutating func text(_ source: UnsafeBufferPointer<UInt8>) {
        // Every byte may become six, and the last copy may write sixteen at once.
        let place = room(source.count * 6 + 18)
        if let start = source.baseAddress {
            written += weir_json_text(place, start, source.count)
        } else {
            place[0] = 34
            place[1] = 34
            written += 2
        }
        needsComma = true
    }
}
