// Which turn lost a prompt cache, and why.

import GatewayModel
import Policy
import Testing

@Suite struct PromptWatchTests {
    private final class Bench {
        var watch = PromptWatch()
        private var number: UInt64 = 0
        var now = Timestamp(seconds: 1_000_000)
        var outline = PromptOutline()
        var opener: UInt64 = 1
        var provider = "anthropic"
        var model = "claude"
        var session = PromptSession(keyID: "k", session: "s")

        init() {
            outline.tools = 1
            outline.system = 1
            grow(1)
        }

        func grow(_ count: Int = 2) {
            for _ in 0..<count { outline.messages.append(UInt32(outline.messages.count + 100)) }
            outline.messageCount = outline.messages.count
        }

        /// A turn that reads and writes so many tokens.
        func turn(read: Int64, wrote: Int64, input: Int64 = 10, after seconds: Int64 = 10) -> PrefixBreak? {
            number += 1
            now = now.adding(seconds: seconds)
            var usage = TokenUsage()
            (usage.cacheRead, usage.cacheWrite5m, usage.input) = (read, wrote, input)
            let made = PromptTurn(
                id: RequestID(high: 0, low: number), opener: opener, outline: outline, provider: provider, model: model, usage: usage,
                received: now, ended: now.adding(seconds: 1))
            return watch.settled(made, in: session)
        }
    }

    /// A session whose cache is warm with 10,000 tokens.
    private func warm() -> Bench {
        let bench = Bench()
        #expect(bench.turn(read: 0, wrote: 8000) == nil)
        bench.grow()
        #expect(bench.turn(read: 8000, wrote: 2000) == nil)
        bench.grow()
        return bench
    }

    @Test func aWarmSessionSaysNothing() {
        let bench = warm()
        for _ in 0..<5 {
            #expect(bench.turn(read: 10_000, wrote: 200) == nil)
            bench.grow()
        }
    }

    @Test func whatChangedFirstIsTheCause() {
        let changes: [(String, (Bench) -> Void, PrefixBreak.Cause, Int?)] = [
            ("provider", { $0.provider = "bedrock" }, .deployment, nil), ("model", { $0.model = "haiku" }, .model, nil),
            ("tools", { $0.outline.tools = 2 }, .tools, nil), ("system", { $0.outline.system = 2 }, .system, nil),
            ("settings", { $0.outline.settings = 2 }, .settings, nil),
            ("message", { $0.outline.messages[1] = 7 }, .message, 2),
            (
                "first message",
                {
                    $0.outline.messages[0] = 7; $0.opener = 2
                }, .message, 1
            ),
            (
                "tools before messages",
                {
                    $0.outline.tools = 2; $0.outline.messages[0] = 7
                }, .tools, nil
            ),
            ("nothing", { _ in }, .provider, nil),
        ]
        for (name, change, cause, message) in changes {
            let bench = warm()
            change(bench)
            let found = bench.turn(read: 0, wrote: 10_000)
            #expect(found?.cause == cause && found?.message == message, "\(name)")
            #expect(found?.expectedTokens == 10_000 && found?.readTokens == 0 && found?.after == RequestID(high: 0, low: 2), "\(name)")
            // The next turn begins from there.
            bench.grow()
            #expect(bench.turn(read: 10_000, wrote: 100) == nil, "\(name)")
        }
    }

    @Test func anIdleSessionOutlivesItsCache() {
        let bench = warm()
        #expect(bench.turn(read: 0, wrote: 10_000, after: 400)?.cause == .ttl)
        let other = warm()
        #expect(other.turn(read: 0, wrote: 10_000, after: 200)?.cause == .provider)
    }

    @Test func halfAPrefixIsNoBreakAndAWoundBackConversationHasLostNothing() {
        let bench = warm()
        #expect(bench.turn(read: 6000, wrote: 4000) == nil)
        bench.outline.messages.removeLast(2)
        bench.outline.messageCount = bench.outline.messages.count
        #expect(bench.turn(read: 100, wrote: 100) == nil)
    }

    @Test func subAgentsOfASessionAreConversationsOfTheirOwn() {
        let bench = warm()
        let main = bench.outline
        bench.outline = PromptOutline()
        bench.outline.system = 9
        bench.grow(1)
        bench.opener = 99
        #expect(bench.turn(read: 0, wrote: 3000) == nil)
        bench.outline = main
        bench.opener = 1
        #expect(bench.turn(read: 10_000, wrote: 10) == nil)
    }

    @Test func aProviderThatSaysNothingOfWritingIsKnownByItsFirstRead() {
        let bench = Bench()
        bench.provider = "openai"
        #expect(bench.turn(read: 0, wrote: 0, input: 9000) == nil)
        bench.grow()
        // It may cache nothing at all.
        #expect(bench.turn(read: 0, wrote: 0, input: 9500) == nil)
        bench.grow()
        #expect(bench.turn(read: 9000, wrote: 0, input: 1000) == nil)
        bench.grow()
        bench.outline.system = 5
        let found = bench.turn(read: 0, wrote: 0, input: 10_500)
        #expect(found?.cause == .system && found?.expectedTokens == 10_000)
    }

    @Test func keysWithTheSameSessionNameShareNothing() {
        let bench = warm()
        bench.session = PromptSession(keyID: "other", session: "s")
        bench.outline.system = 3
        #expect(bench.turn(read: 0, wrote: 10_000) == nil)
    }

    @Test func theTableIsBounded() {
        let bench = Bench()
        bench.watch = PromptWatch(countMax: 100)
        for number in 0..<1000 {
            bench.session = PromptSession(keyID: "k", session: "\(number)")
            _ = bench.turn(read: 0, wrote: 2000)
        }
        #expect(bench.watch.count <= 100)
    }
}
