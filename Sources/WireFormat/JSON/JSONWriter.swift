// JSONWriter: appends JSON to a byte array, in order, with no tree. What the journal and Weir's own answers are written by.

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

    // MARK: Inside

    package mutating func key(_ name: StaticString) {
        comma()
        bytes.append(34)
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(34)
        bytes.append(58)
        needsComma = false
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
        if value >= 0, value < 10 {
            bytes.append(48 + UInt8(value))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = value.magnitude
            var count = 0
            repeat {
                digits[count] = 48 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
                count += 1
            } while rest > 0
            if value < 0 { bytes.append(45) }
            while count > 0 {
                count -= 1
                bytes.append(digits[count])
            }
        }
    }

    private mutating func text(_ value: String) {
        bytes.append(34)
        var value = value
        value.withUTF8 { source in
            var start = 0
            for index in 0..<source.count {
                let byte = source[index]
                guard byte < 32 || byte == 34 || byte == 92 || byte == 127 else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[start..<index]))
                start = index + 1
                escape(byte)
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[start...]))
        }
        bytes.append(34)
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(92)
        switch byte {
        case 34, 92: bytes.append(byte)
        case 10: bytes.append(110)
        case 13: bytes.append(114)
        case 9: bytes.append(116)
        default:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: [117, 48, 48, digits[Int(byte >> 4)], digits[Int(byte & 15)]])
        }
    }
}

extension JSONWriter {
    /// Forgets what was written and keeps the memory.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }
}
