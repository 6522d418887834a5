// Time and randomness come into every component through these, so that one seed can replay one history.

/// Tells the time.
package protocol GatewayClock: Sendable {
    /// The current instant in UTC.
    func now() -> Timestamp
}

/// Gives random bits.
package protocol RandomSource: Sendable {
    func next() -> UInt64
}

/// The operating system's random source.
package struct SystemRandom: RandomSource {
    package init() {}
    package func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
