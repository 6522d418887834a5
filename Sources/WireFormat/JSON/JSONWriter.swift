// JSONWriter: appends JSON to a byte array, in order, with no tree. What the journal and Weir's own answers are written by.

import CSearch

/// Writes one JSON value. The caller keeps begins and ends in balance.
package struct JSONWriter: Sendable {
    package var bytes: [UInt8]
    fileprivate var needsComma = false

    package init(capacity: Int = 512) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Writes on behind what `bytes` hold, so that a buffer can be used again.
    package init(reusing bytes: consuming [UInt8]) {
        self.bytes = bytes
        self.bytes.removeAll(keepingCapacity: true)
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
        needsComma = true
    }

    /// Writes the member unless it is nil.
    package mutating func field(_ name: StaticString, _ value: String?) {
        if let value { field(name, value) }
    }

    package mutating func field(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
        needsComma = true
    }

    package mutating func field(_ name: StaticString, _ value: Int) { field(name, Int64(value)) }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        bytes.append(contentsOf: value ? [116, 114, 117, 101] : [102, 97, 108, 115, 101])
        needsComma = true
    }

    /// A member whose value is this text.
    package mutating func field(_ name: StaticString, utf8 value: UnsafeBufferPointer<UInt8>) {
        key(name)
        text(value)
        needsComma = true
    }

    /// A member whose value is JSON already.
    package mutating func rawField(_ name: StaticString, _ json: some Sequence<UInt8>) {
        key(name)
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// A member whose name is not known at compile time.
    package mutating func field(named name: String, _ value: String) {
        comma()
        text(name)
        bytes.append(58)
        text(value)
        needsComma = true
    }

    /// A member whose name is not known at compile time and whose value is JSON already.
    package mutating func rawField(named name: String, _ json: some Sequence<UInt8>) {
        comma()
        text(name)
        bytes.append(58)
        bytes.append(contentsOf: json)
        needsComma = true
    }

    package mutating func element(_ value: String) {
        comma()
        text(value)
        needsComma = true
    }

    package mutating func element(_ value: Int64) {
        comma()
        integer(value)
        needsComma = true
    }

    /// An element that is JSON already.
    package mutating func rawElement(_ json: some Sequence<UInt8>) {
        comma()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    // MARK: Inside

    package mutating func key(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        let comma = needsComma ? 1 : 0
        put(count + 4) { place in
            if comma == 1 { place[0] = 44 }
            place[comma] = 34
            (place + comma + 1).update(from: name.utf8Start, count: count)
            place[comma + count + 1] = 34
            place[comma + count + 2] = 58
            return comma + count + 3
        }
        needsComma = false
    }

    /// Makes room for `countMax` bytes and lets `write` fill it; it gives how many bytes it wrote.
    @inline(__always)
    private mutating func put(_ countMax: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        bytes.append(addingCapacity: countMax) { (room: inout OutputSpan<UInt8>) in
            room.withUnsafeMutableBufferPointer { buffer, count in
                if let base = buffer.baseAddress { count += write(base + count) }
            }
        }
    }

    private mutating func comma() {
        if needsComma { bytes.append(44) }
        needsComma = false
    }

    private mutating func open(_ byte: UInt8) {
        comma()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func integer(_ value: Int64) {
        put(20) { place in
            var rest = value.magnitude
            var count = value < 0 ? 2 : 1
            var probe = rest
            while probe >= 10 {
                probe /= 10
                count += 1
            }
            for index in (0..<count).reversed() {
                place[index] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            if value < 0 { place[0] = 45 }
            return count
        }
    }

    private mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { text($0) }
    }

    private mutating func text(_ source: UnsafeBufferPointer<UInt8>) {
        // Room for the worst case would be six times the text; most texts have no escape at all.
        var escapes = 0
        var index = 0
        while let found = Self.nextEscape(source, from: index) {
            escapes += 1
            index = found + 1
        }
        put(source.count + escapes * 5 + 2) { place in
            place[0] = 34
            var count = 1
            var start = 0
            while start < source.count, let base = source.baseAddress {
                let end = escapes == 0 ? source.count : Self.nextEscape(source, from: start) ?? source.count
                (place + count).update(from: base + start, count: end - start)
                count += end - start
                if end < source.count { count += Self.escape(source[end], place + count) }
                start = end + 1
            }
            place[count] = 34
            return count + 1
        }
    }

    /// The next byte that cannot stand in a JSON string, or that a terminal would obey.
    private static func nextEscape(_ source: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        guard let base = source.baseAddress else { return nil }
        let found = weir_plain_end(base, start, source.count)
        return found < source.count ? found : nil
    }

    /// Writes the escape of one byte and gives its length, at most 6.
    private static func escape(_ byte: UInt8, _ place: UnsafeMutablePointer<UInt8>) -> Int {
        place[0] = 92
        switch byte {
        case 34, 92: place[1] = byte
        case 10: place[1] = 110
        case 13: place[1] = 114
        case 9: place[1] = 116
        default:
            place[1] = 117
            place[2] = 48
            place[3] = 48
            place[4] = 48 + byte >> 4
            place[5] = byte & 15 < 10 ? 48 + byte & 15 : 87 + byte & 15
            return 6
        }
        return 2
    }
}

extension JSONWriter {
    /// Forgets what was written and keeps the memory.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }
}
