// DeploymentHealth: what is known of one deployment from the turns that went there: its breaker, how soon it answers, and which of its
// provider's credentials may be used. A pure state machine: time comes in.

package import GatewayModel

/// One credential at one deployment.
package struct CredentialHealth: Sendable, Hashable {
    package private(set) var restUntil: Timestamp?
    /// The class of failure that it rests from.
    package private(set) var reason: FailureClass?
    package var allowance = Allowance()

    /// A credential that was refused is looked at again after so long.
    static var refusedSeconds: Int64 { 60 }
    static var limitedSeconds: Int64 { 5 }
    /// No provider's advice keeps a credential out longer.
    static var restSecondsMax: Int64 { 3600 }

    package init() {}

    package mutating func rest(from failure: TryFailure, at now: Timestamp) {
        let seconds =
            switch failure.kind {
            case .authentication, .quota: Self.refusedSeconds
            case .rateLimit: Self.limitedSeconds
            default: Int64(0)
            }
        guard seconds > 0 else { return }
        let asked = failure.retryAfterMilliseconds.map { min(max($0, 0), Self.restSecondsMax * 1000) }
        restUntil = now.adding(milliseconds: asked ?? seconds * 1000)
        reason = failure.kind
    }

    package mutating func served() {
        restUntil = nil
        reason = nil
    }

    /// Until when it should be left alone; nil when it may serve a turn of so many tokens.
    package func rests(at now: Timestamp, tokens: Int64) -> Timestamp? {
        if let restUntil, now < restUntil { return restUntil }
        return allowance.isSpent(at: now, tokens: tokens)
    }
}

/// One deployment.
package struct DeploymentHealth: Sendable {
    package var breaker: CircuitBreaker
    package var credentials: [CredentialHealth]
    package private(set) var turns: Int64 = 0
    package private(set) var failures: Int64 = 0
    private var latency: Int64?
    private var latencySeen = Timestamp(nanoseconds: 0)
    /// The last times to the first byte, in a ring.
    private var latencies: [Int64] = []
    private var answers = 0

    /// What was measured longer ago says nothing: the deployment is asked again as if it were the fastest.
    static var latencySeconds: Int64 { 60 }

    package init(credentials: Int = 1) {
        breaker = CircuitBreaker()
        self.credentials = Array(repeating: CredentialHealth(), count: max(1, credentials))
    }

    /// The provider has another number of credentials now. What is known of those that stay is kept: turns that began before the
    /// change, and count as before, may ask after it.
    package mutating func setCredentials(_ count: Int) {
        let more = max(1, count) - credentials.count
        if more < 0 { credentials.removeLast(-more) } else { credentials += Array(repeating: CredentialHealth(), count: more) }
    }

    /// Whether turns should go there now.
    package func state(at now: Timestamp, tokens: Int64) -> CandidateState {
        guard breaker.admits(at: now) else { return .open }
        return credentials.contains { $0.rests(at: now, tokens: tokens) == nil } ? .ready : .resting
    }

    /// The smoothed time to the first byte.
    package func latency(at now: Timestamp) -> Int64? {
        now < latencySeen.adding(seconds: Self.latencySeconds) ? latency : nil
    }

    static var latenciesMax: Int { 64 }
    static var latenciesMin: Int { 20 }

    /// The time within which 95 of 100 of the last answers began; nil before there were enough, or when they are old.
    package func latencyP95(at now: Timestamp) -> Int64? {
        guard latencies.count >= Self.latenciesMin, latency(at: now) != nil else { return nil }
        let sorted = latencies.sorted()
        return sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
    }

    package mutating func begin(at now: Timestamp) {
        turns += 1
        breaker.begin(at: now)
    }

    /// An answer has begun that is no failure of the deployment.
    package mutating func answered(
        after microseconds: Int64, credential: Int, at now: Timestamp, _ rule: BreakerRule = BreakerRule()
    ) {
        breaker.succeeded(at: now, rule)
        if credentials.indices.contains(credential) { credentials[credential].served() }
        // A fifth of the new one: the last ten answers or so.
        latency = self.latency(at: now).map { $0 + (microseconds - $0) / 5 } ?? microseconds
        latencySeen = now
        if latencies.count < Self.latenciesMax {
            latencies.append(microseconds)
        } else {
            latencies[answers % Self.latenciesMax] = microseconds
        }
        answers &+= 1
    }

    package mutating func failed(
        _ failure: TryFailure, credential: Int, at now: Timestamp, _ rule: BreakerRule = BreakerRule()
    ) {
        if failure.kind == .request || failure.kind == .context || failure.kind == .contentFilter {
            // It answered as it should.
            breaker.succeeded(at: now, rule)
            return
        }
        failures += 1
        if failure.kind.isIllness {
            breaker.failed(at: now, rule)
        } else {
            // It answered: it is alive.
            breaker.abandoned()
            if credentials.indices.contains(credential) { credentials[credential].rest(from: failure, at: now) }
        }
    }

    /// A credential that may be used now, of those that have a weight: by the weights, always the same one for a session. Nil when all
    /// rest.
    package func credential(weights: [Int64], seed: UInt64, at now: Timestamp, tokens: Int64, without tried: Set<Int> = []) -> Int? {
        let free = credentials.indices.prefix(weights.count).filter {
            !tried.contains($0) && credentials[$0].rests(at: now, tokens: tokens) == nil
        }
        return rendezvous(free, weights: weights, seed: seed)
    }
}

/// Chooses by weight and seed so that each seed keeps its choice while that is among the candidates, and moves to another by the same
/// weights when it is not (weighted rendezvous hashing).
package func rendezvous(_ candidates: [Int], weights: [Int64], seed: UInt64) -> Int? {
    var best: (index: Int, score: Double)?
    for index in candidates {
        let weight = Double(max(1, index < weights.count ? weights[index] : 1))
        let hash = mixed(seed ^ mixed(UInt64(index) &+ 0x9E37_79B9_7F4A_7C15))
        // In (0, 1), so that the logarithm is finite and below zero.
        let unit = (Double(hash >> 11) + 0.5) / Double(1 << 53)
        let score = weight / -logarithm(unit)
        if best.map({ score > $0.score }) ?? true { best = (index, score) }
    }
    return best?.index
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood): every bit of the input changes half of the output.
package func mixed(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
}

/// The natural logarithm of a number in (0, 1), to nine digits: by its exponent, and a series of what is left.
private func logarithm(_ value: Double) -> Double {
    let significand = value.significand
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var term = ratio
    var sum = 0.0
    for index in 0..<12 {
        sum += term / Double(2 * index + 1)
        term *= square
    }
    return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
}
