// SymbolTable: the values that counters are grouped by, each kept once and known by a number. A million sessions would otherwise
// be a million strings in each of their counters.

/// Hashes with a secret seed: who chooses the values, a client, must not be able to make them collide.
struct SeededHash: Sendable {
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed ^ 0x9E37_79B9_7F4A_7C15 }

    /// The high and the low half of a product, mixed (the step of wyhash).
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    func of(_ first: UInt64, _ second: UInt64) -> UInt64 {
        Self.mix(first ^ seed ^ 0xE703_7ED1_A0B4_28DB, second &* 0x8EBC_6AF0_9C88_C6E3 ^ seed)
    }

    func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = Self.mix(seed, UInt64(bytes.count) ^ 0xE703_7ED1_A0B4_28DB)
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            hash = Self.mix(hash ^ word, 0x8EBC_6AF0_9C88_C6E3 ^ seed)
            offset += 8
        }
        return Self.mix(hash ^ Self.tail(bytes, bytes.count - offset), 0x5899_65CC_7537_4CC3 ^ seed)
    }

    /// The last bytes, fewer than eight, in one word. Of a long text it takes some before them along, which tells no two texts of
    /// one length less apart.
    private static func tail(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> UInt64 {
        if count == 0 { return 0 }
        if bytes.count >= 8 { return bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self) }
        if count >= 4 {
            let first = bytes.loadUnaligned(as: UInt32.self)
            return UInt64(first) << 32 | UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        }
        return UInt64(bytes[0]) << 16 | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1])
    }

    func of(_ text: String) -> UInt64 { withBytes(of: text) { of(UnsafeRawBufferPointer($0)) } }
}

/// A text's bytes where they stand, without another reference to it. One that came from elsewhere is copied first.
func withBytes<Result>(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    if let result = text.utf8.withContiguousStorageIfAvailable(body) { return result }
    var copy = text
    return copy.withUTF8(body)
}

/// Values and their numbers. Number 0 is the empty one, which stands for unattributed.
struct SymbolTable: ~Copyable, Sendable {
    private struct Entry {
        var text: String
        var hash: UInt64
        /// How many counters name it; 0 of a free place.
        var references: Int32
        /// The next free place.
        var next: UInt32
    }

    static let none: UInt32 = 0
    static let unknown: UInt32 = .max

    private var entries: [Entry]
    /// Entry numbers by hash, linear probing; 0 is empty.
    private var index: [UInt32]
    private var mask: Int
    private var free: UInt32 = 0
    private(set) var count = 0
    private let hash: SeededHash

    init(hash: SeededHash) {
        self.hash = hash
        entries = [Entry(text: "", hash: 0, references: .max, next: 0)]
        index = Array(repeating: 0, count: 64)
        mask = 63
    }

    func text(_ symbol: UInt32) -> String { entries[Int(symbol)].text }

    /// The number of a value; `unknown` when no counter names it. Inlined: a call would be handed a copy of the table.
    @inline(__always)
    func find(_ text: String) -> UInt32 {
        if text.isEmpty { return Self.none }
        let wanted = hash.of(text)
        var place = Int(truncatingIfNeeded: wanted) & mask
        while index[place] != 0 {
            let number = Int(index[place])
            if entries[number].hash == wanted, entries[number].text == text { return index[place] }
            place = (place + 1) & mask
        }
        return Self.unknown
    }

    /// The number of a value if there is one and it is known.
    @inline(never)
    func find(value: String?) -> UInt32? {
        guard let value else { return nil }
        let found = find(value)
        return found == Self.unknown ? nil : found
    }

    /// The number of a value, with one more counter that names it.
    mutating func retain(_ text: String) -> UInt32 {
        let found = find(text)
        if found == Self.none { return found }
        if found != Self.unknown {
            entries[Int(found)].references += 1
            return found
        }
        if (count + 1) * 4 > index.count * 3 { grow() }
        let wanted = hash.of(text)
        let entry = Entry(text: text, hash: wanted, references: 1, next: 0)
        let number: UInt32
        if free != 0 {
            number = free
            free = entries[Int(free)].next
            entries[Int(number)] = entry
        } else {
            number = UInt32(entries.count)
            entries.append(entry)
        }
        insert(number, wanted)
        count += 1
        return number
    }

    /// One counter less names it.
    mutating func release(_ symbol: UInt32) {
        guard symbol != Self.none else { return }
        let number = Int(symbol)
        entries[number].references -= 1
        guard entries[number].references == 0 else { return }
        remove(symbol, entries[number].hash)
        entries[number] = Entry(text: "", hash: 0, references: 0, next: free)
        free = symbol
        count -= 1
    }

    private mutating func insert(_ number: UInt32, _ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while index[place] != 0 { place = (place + 1) & mask }
        index[place] = number
    }

    private mutating func remove(_ number: UInt32, _ hash: UInt64) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while index[place] != number { place = (place + 1) & mask }
        // What stands behind the gap moves up as far as its own place allows, so that no mark for a removed entry is needed.
        var gap = place
        place = (place + 1) & mask
        while index[place] != 0 {
            let home = Int(truncatingIfNeeded: entries[Int(index[place])].hash) & mask
            if (place - home) & mask >= (place - gap) & mask {
                index[gap] = index[place]
                gap = place
            }
            place = (place + 1) & mask
        }
        index[gap] = 0
    }

    private mutating func grow() {
        let old = index
        index = Array(repeating: 0, count: old.count * 2)
        mask = index.count - 1
        for number in old where number != 0 { insert(number, entries[Int(number)].hash) }
    }
}
