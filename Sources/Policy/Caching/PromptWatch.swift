// PromptWatch: what each session's prompts looked like, so that the turn on which a provider's cache was lost can say why. Bounded, in
// memory, by key and session, so that nothing is shared between tenants. Pure: time comes in.

package import GatewayModel

/// A session of a key.
package struct PromptSession: Sendable, Hashable {
    package var keyID: String
    package var session: String

    package init(keyID: String, session: String) {
        self.keyID = keyID
        self.session = session
    }
}

/// A turn that ended well.
package struct PromptTurn: Sendable {
    package var id: RequestID
    /// Of its first user message: sub-agents and titles of one session have others.
    package var opener: UInt64
    package var outline: PromptOutline
    package var provider: String
    package var model: String
    package var usage: TokenUsage
    /// When it was asked, and when it was answered.
    package var received: Timestamp
    package var ended: Timestamp

    package init(
        id: RequestID, opener: UInt64, outline: PromptOutline, provider: String, model: String, usage: TokenUsage, received: Timestamp,
        ended: Timestamp
    ) {
        self.id = id
        self.opener = opener
        self.outline = outline
        self.provider = provider
        self.model = model
        self.usage = usage
        self.received = received
        self.ended = ended
    }
}

/// The sessions of all keys, in two generations: when the younger is full, the older is forgotten.
package struct PromptWatch: Sendable {
    /// One conversation of a session.
    private struct Thread: Sendable {
        var last: PromptTurn
        /// What its provider's cache holds, as far as it said.
        var warmTokens: Int64
        var ttlSeconds: Int64
        /// It was read from once: the provider caches without saying what it writes.
        var hasRead: Bool
    }

    private var young: [PromptSession: [Thread]] = [:]
    private var old: [PromptSession: [Thread]] = [:]
    private let countMax: Int

    /// Conversations of one session that are told apart.
    static var threadsMax: Int { 4 }
    /// Smaller prompts are not cached by providers.
    static var tokensMin: Int64 { 1024 }
    /// How long a cache lives of which its provider does not say it.
    static var ttlSecondsUnlessSaid: Int64 { 300 }

    package init(countMax: Int = 4_000) { self.countMax = countMax }

    package var count: Int { young.count + old.count }

    /// Takes note of a turn; gives what was lost where its cache should have been warm.
    package mutating func settled(_ turn: PromptTurn, in session: PromptSession) -> PrefixBreak? {
        var threads = young[session] ?? old[session] ?? []
        var found: PrefixBreak?
        var thread = Thread(last: turn, warmTokens: 0, ttlSeconds: Self.ttlSecondsUnlessSaid, hasRead: false)
        if let index = threads.firstIndex(where: { $0.last.opener == turn.opener })
            ?? threads.firstIndex(where: { continues($0.last, turn) })
        {
            let before = threads.remove(at: index)
            found = lost(turn, before)
            thread.ttlSeconds = before.ttlSeconds
            thread.hasRead = before.hasRead
        }
        let usage = turn.usage
        thread.hasRead = thread.hasRead || usage.cacheRead > 0
        // Where nothing is said of writing, all of a prompt is cached, or none.
        let writesUnsaid = usage.cacheWrite == 0 && thread.hasRead
        thread.warmTokens = writesUnsaid ? usage.totalInput : usage.cacheRead &+ usage.cacheWrite
        if let seconds = Self.ttl(usage) { thread.ttlSeconds = seconds }
        thread.last = turn
        threads.insert(thread, at: 0)
        if threads.count > Self.threadsMax { threads.removeLast() }
        remember(threads, session)
        return found
    }

    private mutating func remember(_ threads: [Thread], _ session: PromptSession) {
        if young.count >= countMax / 2, young[session] == nil {
            old = young
            young = [:]
        }
        young[session] = threads
        old[session] = nil
    }

    /// The same conversation whose first message was changed: it has the same tools and system text, and has grown.
    private func continues(_ before: PromptTurn, _ turn: PromptTurn) -> Bool {
        before.outline.messageCount > 1 && turn.outline.messageCount > before.outline.messageCount
            && before.outline.tools == turn.outline.tools && before.outline.system == turn.outline.system
    }

    /// The shortest of what was written: behind it, the prefix has a hole.
    private static func ttl(_ usage: TokenUsage) -> Int64? {
        if usage.cacheWrite5m > 0 || usage.cacheWriteUnknown > 0 { return ttlSecondsUnlessSaid }
        if usage.cacheWrite30m > 0 { return 1_800 }
        if usage.cacheWrite1h > 0 { return 3_600 }
        return usage.cacheWrite12h > 0 ? 43_200 : nil
    }

    private func lost(_ turn: PromptTurn, _ before: Thread) -> PrefixBreak? {
        let read = turn.usage.cacheRead
        let (doubled, overflow) = read.multipliedReportingOverflow(by: 2)
        guard before.warmTokens >= Self.tokensMin, !overflow, doubled < before.warmTokens else { return nil }
        let last = before.last
        let idle = max(0, turn.received.seconds - last.ended.seconds)
        func found(_ cause: PrefixBreak.Cause, message: Int? = nil) -> PrefixBreak {
            PrefixBreak(
                cause: cause, message: message, after: last.id, idleSeconds: idle, expectedTokens: before.warmTokens, readTokens: read)
        }
        if turn.provider != last.provider { return found(.deployment) }
        if turn.model != last.model { return found(.model) }
        let (now, then) = (turn.outline, last.outline)
        if now.tools != then.tools { return found(.tools) }
        if now.system != then.system { return found(.system) }
        if now.settings != then.settings { return found(.settings) }
        let common = min(now.messages.count, then.messages.count)
        if let changed = (0..<common).first(where: { now.messages[$0] != then.messages[$0] }) {
            return found(.message, message: changed + 1)
        }
        // A conversation that was wound back reads less, and has lost nothing.
        if now.messageCount < then.messageCount { return nil }
        return found(idle > before.ttlSeconds ? .ttl : .provider)
    }
}
