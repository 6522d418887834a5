// Seeded: random choices that one seed repeats, for fuzz targets and property tests alike.

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same everywhere.
package struct Seeded: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    /// A seed out of bytes, so that an input always meets the same choices.
    package init(bytes: some Sequence<UInt8>) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        self.init(hash)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    package mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }

    /// Cuts bytes at random points; the pieces joined are the bytes.
    package mutating func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        let longest = 1 + below(chance(2) ? 4 : 64)
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + below(longest))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}

/// Says what is wrong, or nil when the property holds: each oracle gives this, so that a test and a fuzzer share it.
package typealias Finding = String

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

extension [UInt8] {
    /// `withUnsafeBytes` with typed throws.
    package func withBytes<Output, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Output
    ) throws(Failure) -> Output {
        let result: Result<Output, Failure> = withUnsafeBytes { text in
            do throws(Failure) { return .success(try body(text)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
