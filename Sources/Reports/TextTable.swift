// TextTable: numbers for texts, the same number for the same bytes, so that rows are grouped by numbers.

/// Every text once, numbered from 0.
struct TextTable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = [0]
    /// Open addressing: a text's number stands at its hash or behind; -1 is free.
    private var slots: [Int32] = Array(repeating: -1, count: 256)

    var count: Int { ends.count - 1 }

    /// The number of a text, which is new when the text is.
    mutating func number(_ text: UnsafeRawBufferPointer) -> Int32 {
        var slot = Self.hash(text) & (slots.count - 1)
        while slots[slot] >= 0 {
            if isEqual(slots[slot], text) { return slots[slot] }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = Int32(count)
        slots[slot] = number
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        if count * 2 > slots.count { grow() }
        return number
    }

    func text(_ number: Int32) -> String { String(decoding: range(number), as: UTF8.self) }

    /// The order of bytes, which is SQL's.
    func precedes(_ left: Int32, _ right: Int32) -> Bool { range(left).lexicographicallyPrecedes(range(right)) }

    private func range(_ number: Int32) -> ArraySlice<UInt8> { bytes[ends[Int(number)]..<ends[Int(number) + 1]] }

    private func isEqual(_ number: Int32, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = ends[Int(number)]
        guard ends[Int(number) + 1] - start == text.count else { return false }
        return bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[start..<start + text.count]).elementsEqual(text) }
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 2)
        bytes.withUnsafeBytes { bytes in
            for number in 0..<count {
                var slot = Self.hash(UnsafeRawBufferPointer(rebasing: bytes[ends[number]..<ends[number + 1]])) & (slots.count - 1)
                while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
                slots[slot] = Int32(number)
            }
        }
    }

    /// Seeded anew in every process: labels are what clients send.
    private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: text)
        return hasher.finalize()
    }
}
