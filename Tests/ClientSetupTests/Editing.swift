// Editing: what the tests of editors share.

import ClientSetup
import Testing

/// A file after edits, as text.
func edited(_ before: String?, _ format: FileFormat, _ edits: SettingsEdit...) throws -> String {
    let change = try FileEdit("f", format, edits).change(from: before.map { Array($0.utf8) })
    return String(decoding: change.after, as: UTF8.self)
}

/// A repeatable source of numbers.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: 0..<elements.count, using: &self)] }
}

/// Whether the first text is the second with parts left out.
func isPart(_ short: String, of long: String) -> Bool {
    var rest = long.utf8[...]
    for byte in short.utf8 {
        guard let found = rest.firstIndex(of: byte) else { return false }
        rest = rest[rest.index(after: found)...]
    }
    return true
}
