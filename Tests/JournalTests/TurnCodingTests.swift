// TurnCodingTests: a turn comes out of the journal as it went in, whatever its fields hold.

import GatewayModel
import Journal
import Testing

struct TurnCodingTests {
    @Test func aTurnComesBackAsItWentIn() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 16 << 20)
        var generator = SeededGenerator(seed: 42)
        let source = TurnSource()
        let turns = (0..<500).map { _ in source.turn(&generator) }
        for turn in turns { _ = try journal.turnSettled(turn) }
        journal.stop()
        #expect(folder.all().compactMap(\.turn) == turns)
    }

    @Test func aRecordWithoutAnIdIsNoTurn() {
        #expect(Array(#"{"v":1,"kind":"turn.settled","key":"k"}"#.utf8).withUnsafeBytes { decodeTurn($0) } == nil)
        #expect(Array("no json".utf8).withUnsafeBytes { decodeTurn($0) } == nil)
    }

    @Test func membersOfANewerWeirAreReadPast() throws {
        let text =
            #"{"v":9,"new":{"deep":[1,2]},"id":"01900000-0000-7000-8000-000000000001","#
            + #""usage":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}"#
        let turn = try #require(Array(text.utf8).withUnsafeBytes { decodeTurn($0) })
        #expect(turn.usage.input == 1 && turn.usage.webFetches == 16)
    }
}

/// Turns whose fields hold anything; plain ones hold what needs no escape.
struct TurnSource {
    var isPlain = false

    private func decision(_ generator: inout SeededGenerator) -> RouteDecision {
        func some(_ generator: inout SeededGenerator) -> Int64? { Bool.random(using: &generator) ? number(&generator) : nil }
        var made = RouteDecision(
            route: text(&generator), pick: text(&generator), reason: text(&generator), isForced: Bool.random(using: &generator),
            inputTokens: number(&generator), candidates: [])
        made.toolCount = some(&generator)
        made.toolDepth = some(&generator)
        made.turnDepth = some(&generator)
        made.candidates = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            var one = RouteCandidate(
                deployment: text(&generator), state: text(&generator), probabilityPPM: Int64.random(in: 0...1_000_000, using: &generator))
            one.weight = some(&generator)
            one.latencyMicroseconds = some(&generator)
            one.inFlight = some(&generator)
            one.costNanoUSD = some(&generator)
            one.tier = maybe(&generator)
            return one
        }
        return made
    }

    func turn(_ generator: inout SeededGenerator) -> TurnRecord {
        var turn = TurnRecord(
            requestID: RequestID(high: generator.next(), low: generator.next()),
            principal: Principal(
                keyID: text(&generator), workspace: text(&generator), team: text(&generator),
                developer: maybe(&generator),
                serviceAccount: maybe(&generator)),
            attribution: attribution(&generator),
            endpoint: Endpoint.allCases.randomElement(using: &generator) ?? .responses,
            modelAsked: text(&generator), received: time(&generator))
        turn.stream = Bool.random(using: &generator)
        turn.provider = text(&generator)
        turn.model = text(&generator)
        turn.modelServed = maybe(&generator)
        turn.snapshotVersion = number(&generator)
        turn.priceVersion = maybe(&generator)
        turn.tries = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            UpstreamTry(
                deployment: text(&generator), status: Int.random(in: 0...599, using: &generator),
                error: maybe(&generator),
                microseconds: number(&generator), cost: NanoUSD(number(&generator)), credential: maybe(&generator))
        }
        turn.routing = (0..<Int.random(in: 0...1, using: &generator)).map { _ in decision(&generator) }
        turn.limits = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
            LimitTrace(
                rule: text(&generator), group: [text(&generator)], unit: text(&generator), limit: number(&generator),
                before: number(&generator), reserved: Bool.random(using: &generator) ? number(&generator) : nil,
                used: Bool.random(using: &generator) ? number(&generator) : nil, decided: Bool.random(using: &generator))
        }
        turn.cached = (0..<Int.random(in: 0...1, using: &generator)).map { _ in
            CachedAnswer(
                from: RequestID(high: generator.next(), low: generator.next()), ageSeconds: number(&generator),
                saved: Bool.random(using: &generator) ? NanoUSD(number(&generator)) : nil)
        }
        turn.prefix = (0..<Int.random(in: 0...1, using: &generator)).map { _ in
            PrefixBreak(
                cause: PrefixBreak.Cause.allCases.randomElement(using: &generator) ?? .ttl,
                message: Bool.random(using: &generator) ? 3 : nil, after: RequestID(high: generator.next(), low: generator.next()),
                idleSeconds: number(&generator), expectedTokens: number(&generator), readTokens: number(&generator))
        }
        turn.usage = usage(&generator)
        turn.usageSource = UsageSource.allCases.randomElement(using: &generator) ?? .none
        turn.qualifiers = UsageQualifiers(
            serviceTier: maybe(&generator), speed: maybe(&generator), inferenceGeo: maybe(&generator))
        turn.rawUsage = maybe(&generator)
        turn.reserved = NanoUSD(number(&generator))
        turn.cost = NanoUSD(number(&generator))
        turn.flags = TurnFlags(rawValue: Int64.random(in: 0..<8192, using: &generator))
        turn.status = Int.random(in: 0...599, using: &generator)
        turn.errorClass = maybe(&generator)
        turn.finishReason = maybe(&generator)
        turn.toolCalls = Int.random(in: 0...9, using: &generator)
        turn.responseID = maybe(&generator)
        turn.upstreamRequestID = maybe(&generator)
        turn.sent = Bool.random(using: &generator) ? time(&generator) : nil
        turn.firstByte = Bool.random(using: &generator) ? time(&generator) : nil
        turn.lastByte = Bool.random(using: &generator) ? time(&generator) : nil
        turn.overheadMicroseconds = number(&generator)
        turn.bytesIn = number(&generator)
        turn.bytesOut = number(&generator)
        turn.digestIn = maybe(&generator)
        turn.digestOut = maybe(&generator)
        turn.bodyHash = generator.next()
        return turn
    }

    private func attribution(_ generator: inout SeededGenerator) -> Attribution {
        func label(_ generator: inout SeededGenerator) -> Label? {
            guard let value = maybe(&generator) else { return nil }
            return Label(value, LabelSource.allCases.randomElement(using: &generator) ?? .agent)
        }
        var found = Attribution()
        found.session = label(&generator)
        found.parentSession = label(&generator)
        found.affinity = maybe(&generator)
        found.agent = label(&generator)
        found.subAgent = label(&generator)
        found.repository = label(&generator)
        found.branch = label(&generator)
        found.commit = label(&generator)
        found.client = maybe(&generator)
        found.clientVersion = maybe(&generator)
        found.project = maybe(&generator)
        found.clientTurn = maybe(&generator)
        for _ in 0..<Int.random(in: 0...4, using: &generator) { found.tags[text(&generator)] = text(&generator) }
        return found
    }

    private func usage(_ generator: inout SeededGenerator) -> TokenUsage {
        var usage = TokenUsage()
        let classes: [WritableKeyPath<TokenUsage, Int64>] = [
            \.input, \.cacheRead, \.cacheWrite5m, \.cacheWrite30m, \.cacheWrite1h, \.cacheWrite12h, \.cacheWriteUnknown,
            \.toolPrompt, \.output, \.reasoning, \.audioInput, \.imageInput, \.audioOutput, \.imageOutput,
            \.webSearches,
            \.webFetches,
        ]
        for path in classes where Bool.random(using: &generator) { usage[keyPath: path] = number(&generator) }
        return usage
    }

    private func number(_ generator: inout SeededGenerator) -> Int64 {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: 0
        case 1: isPlain ? 999_999_999_999_999_999 : .max
        case 2: isPlain ? -1 : .min
        default: Int64.random(in: 0...10_000_000, using: &generator)
        }
    }

    private func time(_ generator: inout SeededGenerator) -> Timestamp {
        Timestamp(nanoseconds: Int64.random(in: 0...4_000_000_000_000_000_000, using: &generator))
    }

    private func maybe(_ generator: inout SeededGenerator) -> String? {
        Bool.random(using: &generator) ? text(&generator) : nil
    }

    /// Short texts of what breaks encoders.
    private func text(_ generator: inout SeededGenerator) -> String {
        let pieces =
            isPlain
            ? ["a", "/", "-", "é", "日", "github.com", " "]
            : [
                "a", "\"", "\\", "\n", "\u{0}", "\u{7F}", "é", "日", "🚀", "/", "\u{2028}", "\u{202E}", " ", "{", "e\u{301}",
            ]
        return (0..<Int.random(in: 0...12, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
        }.joined()
    }
}
