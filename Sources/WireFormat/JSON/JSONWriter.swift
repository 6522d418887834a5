// JSONWriter: appends JSON to memory of its own, in order, with no tree. What the journal and Weir's own answers are written by.

import CSearch

/// Writes one JSON value. The caller keeps begins and ends in balance.
///
/// Sendable without a check: the memory has no other owner, and a writer cannot be copied.
package struct JSONWriter: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// How many bytes are written.
    package private(set) var count = 0
    private var needsComma = false

    package init(capacity: Int = 512) {
        self.capacity = max(64, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// What is written.
    package var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Lends what is written, to be filled in or sent.
    package mutating func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// Forgets what was written and keeps the memory. The value begins behind `space` bytes, which are zero.
    package mutating func reset(space: Int = 0) {
        count = 0
        needsComma = false
        room(space).initialize(repeating: 0, count: space)
        count = space
    }

    // MARK: Structure

    package mutating func beginObject() { open(123) }
    package mutating func beginObject(_ name: StaticString) {
        key(name)
        open(123)
    }
    package mutating func endObject() { close(125) }
    package mutating func beginArray() { open(91) }
    package mutating func beginArray(_ name: StaticString) {
        key(name)
        open(91)
    }
    package mutating func endArray() { close(93) }

    // MARK: Members

    package mutating func field(_ name: StaticString, _ value: String) {
        key(name)
        text(value)
    }

    /// Writes the member unless it is nil.
    package mutating func field(_ name: StaticString, _ value: String?) {
        if let value { field(name, value) }
    }

    package mutating func field(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
    }

    package mutating func field(_ name: StaticString, _ value: Int) { field(name, Int64(value)) }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        raw(value ? "true" : "false")
        needsComma = true
    }

    /// A member whose value is this text.
    package mutating func field(_ name: StaticString, utf8 value: UnsafeBufferPointer<UInt8>) {
        key(name)
        text(value)
    }

    /// A member whose value is JSON already.
    package mutating func rawField(_ name: StaticString, _ json: some Sequence<UInt8>) {
        key(name)
        raw(ContiguousArray(json))
        needsComma = true
    }

    /// Members that are JSON already, the comma before them included where one is needed.
    package mutating func rawMembers(_ json: [UInt8]) {
        json.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            weir_copy_short(room(bytes.count), start, bytes.count)
        }
        count += json.count
        needsComma = true
    }

    /// A member whose name is not known at compile time.
    package mutating func field(named name: String, _ value: String) {
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
    package mutating func rawField(named name: String, _ json: some Sequence<UInt8>) {
        comma()
        text(name)
        raw(":")
        raw(ContiguousArray(json))
        needsComma = true
    }

    package mutating func element(_ value: String) {
        comma()
        text(value)
    }

    package mutating func element(_ value: Int64) {
        comma()
        integer(value)
    }

    /// An element that is JSON already.
    package mutating func rawElement(_ json: some Sequence<UInt8>) {
        comma()
        raw(ContiguousArray(json))
        needsComma = true
    }

    // MARK: Inside

    package mutating func key(_ name: StaticString) {
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
        count = place + length + 3 - base
        needsComma = false
    }

    /// The place behind what is written, with room for so many bytes.
    @inline(__always)
    private mutating func room(_ wanted: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity - count < wanted { grow(wanted) }
        return base + count
    }

    @inline(never)
    private mutating func grow(_ wanted: Int) {
        capacity = max(capacity * 2, count + wanted)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }

    @inline(__always)
    private mutating func append(_ byte: UInt8) {
        room(1)[0] = byte
        count += 1
    }

    @inline(__always)
    private mutating func comma() {
        if needsComma { append(44) }
        needsComma = false
    }

    private mutating func open(_ byte: UInt8) {
        comma()
        append(byte)
    }

    private mutating func close(_ byte: UInt8) {
        append(byte)
        needsComma = true
    }

    private mutating func raw(_ text: StaticString) {
        weir_copy_short(room(text.utf8CodeUnitCount), text.utf8Start, text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    private mutating func raw(_ json: ContiguousArray<UInt8>) {
        json.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { room(bytes.count).update(from: start, count: bytes.count) }
        }
        count += json.count
    }

    @inline(__always)
    private mutating func integer(_ value: Int64) {
        count += weir_json_integer(room(20), value)
        needsComma = true
    }

    @inline(__always)
    private mutating func text(_ value: String) {
        let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable { text($0) }
        if isWritten == nil { Array(value.utf8).withUnsafeBufferPointer { text($0) } }
    }

    private mutating func text(_ source: UnsafeBufferPointer<UInt8>) {
        // Every byte may become six, and the last copy may write sixteen at once.
        let place = room(source.count * 6 + 18)
        if let start = source.baseAddress {
            count += weir_json_text(place, start, source.count)
        } else {
            place[0] = 34
            place[1] = 34
            count += 2
        }
        needsComma = true
    }
}
