// CompiledPattern: a pattern taken apart once, so that a turn is held against its bytes. Characters cost a hundred times as much.

/// An exact text, or one with `*` at the start, the end, or both; as `KeyAccess.matches` reads it.
struct CompiledPattern: Sendable {
    private let core: [UInt8]
    private let startsAnyhow: Bool
    private let endsAnyhow: Bool

    init(_ pattern: String) {
        let bytes = Array(pattern.utf8)
        startsAnyhow = bytes.first == 42
        endsAnyhow = bytes.last == 42
        core = Array(bytes.dropFirst(startsAnyhow ? 1 : 0).dropLast(endsAnyhow && bytes.count > 1 ? 1 : 0))
    }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let last = text.count - core.count
        guard last >= 0 else { return false }
        if !startsAnyhow { return (endsAnyhow || last == 0) && stands(in: text, at: 0) }
        if !endsAnyhow { return stands(in: text, at: last) }
        for place in 0...last where stands(in: text, at: place) { return true }
        return false
    }

    private func stands(in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
        for index in 0..<core.count where text[place + index] != core[index] { return false }
        return true
    }
}

/// A condition with its patterns taken apart.
struct CompiledCondition: Sendable {
    let on: LimitDimension
    private let any: [CompiledPattern]
    private let except: [CompiledPattern]

    init(_ condition: LimitCondition) {
        on = condition.on
        any = condition.any.map(CompiledPattern.init)
        except = condition.except.map(CompiledPattern.init)
    }

    func holds(_ facts: TurnFacts) -> Bool {
        guard let value = facts[on] else { return any.isEmpty }
        return withBytes(of: value) { bytes in
            (any.isEmpty || any.contains { $0.matches(bytes) }) && !except.contains { $0.matches(bytes) }
        }
    }
}
