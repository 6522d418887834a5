// ConditionTable: the conditions of a book's rules with their patterns taken apart once, so that a turn is held against bytes that
// stand in one row. Characters cost a hundred times as much, and an array for each pattern a reference counted for each turn.

/// Conditions by number.
struct ConditionTable: Sendable {
    /// An exact text, or one with `*` at the start, the end, or both; as `KeyAccess.matches` reads it.
    private struct Pattern {
        /// Where its bytes stand.
        var start: Int
        var count: Int
        var startsAnyhow: Bool
        var endsAnyhow: Bool
    }

    /// Its patterns: first those of which one must match, then those of which none may.
    private struct Condition {
        var on: LimitDimension
        var start: Int
        var anyEnd: Int
        var end: Int
    }

    private var conditions: [Condition] = []
    private var patterns: [Pattern] = []
    private var bytes: [UInt8] = []

    var count: Int { conditions.count }

    mutating func append(_ condition: LimitCondition) {
        let start = patterns.count
        for text in condition.any { append(text) }
        let anyEnd = patterns.count
        for text in condition.except { append(text) }
        conditions.append(Condition(on: condition.on, start: start, anyEnd: anyEnd, end: patterns.count))
    }

    private mutating func append(_ text: String) {
        let all = Array(text.utf8)
        let (startsAnyhow, endsAnyhow) = (all.first == 42, all.last == 42)
        let core = all.dropFirst(startsAnyhow ? 1 : 0).dropLast(endsAnyhow && all.count > 1 ? 1 : 0)
        patterns.append(Pattern(start: bytes.count, count: core.count, startsAnyhow: startsAnyhow, endsAnyhow: endsAnyhow))
        bytes.append(contentsOf: core)
    }

    func holds(_ number: Int, _ facts: TurnFacts) -> Bool {
        facts.with(conditions[number].on) { holds(number, of: $0) }
    }

    @inline(never)
    private func holds(_ number: Int, of value: String?) -> Bool {
        let (start, anyEnd, end) = (conditions[number].start, conditions[number].anyEnd, conditions[number].end)
        guard let value else { return start == anyEnd }
        return withBytes(of: value) { text in
            (start == anyEnd || someMatch(start..<anyEnd, text)) && !someMatch(anyEnd..<end, text)
        }
    }

    private func someMatch(_ numbers: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        for number in numbers where matches(patterns[number], text) { return true }
        return false
    }

    private func matches(_ pattern: Pattern, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let last = text.count - pattern.count
        guard last >= 0 else { return false }
        guard pattern.count > 0 else { return pattern.startsAnyhow || pattern.endsAnyhow || last == 0 }
        return bytes.withUnsafeBufferPointer { bytes in
            let core = UnsafeBufferPointer(rebasing: bytes[pattern.start..<pattern.start + pattern.count])
            if !pattern.startsAnyhow { return (pattern.endsAnyhow || last == 0) && Self.stands(core, in: text, at: 0) }
            if !pattern.endsAnyhow { return Self.stands(core, in: text, at: last) }
            for place in 0...last where text[place] == core[0] && Self.stands(core, in: text, at: place) { return true }
            return false
        }
    }

    private static func stands(_ core: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
        let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[place..<place + core.count])
        return equal(UnsafeRawBufferPointer(core), text)
    }
}

/// Whether two rows of the same length hold the same bytes.
private func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    while offset + 8 <= left.count {
        let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        if word != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
        offset += 8
    }
    while offset < left.count {
        if left[offset] != right[offset] { return false }
        offset += 1
    }
    return true
}
