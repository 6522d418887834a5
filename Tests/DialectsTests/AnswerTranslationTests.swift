// Answers between dialects: what was said, its usage and its end survive every pair of dialects, however the bytes are cut.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct AnswerTranslationTests {
    private static let context = AnswerContext(created: 1_795_564_801, model: "m", id: "local", includeUsage: true)

    /// What a reader of this dialect makes of a stream.
    private func collected(_ stream: [UInt8], _ dialect: Dialect) throws -> (answer: CollectedAnswer, isWhole: Bool) {
        // The canonical events are seen through a writer that collects: through the dialect itself.
        var answer = CollectedAnswer()
        var isWhole = false
        var reader = try #require(makeEventReader(dialect, Self.context))
        visitEvents(stream, dialect) { name, data in
            reader.read(name: name, data: data) {
                answer.take($0)
                if $0 == .end { isWhole = true }
                // Gemini's streams have no last event but the one that says why.
                if case .finish = $0, dialect == .gemini { isWhole = true }
            }
        }
        return (answer, isWhole)
    }

    private func translate(
        _ stream: [UInt8], _ from: Dialect, _ to: Dialect, _ random: inout Seeded, kind: ResponseBodyKind? = nil
    ) throws -> [UInt8] {
        var translator = try #require(AnswerTranslator(from: from, to: to, context: Self.context))
        translator.begin(kind ?? (from == .ollama ? .objects : from.isBedrock ? .eventStream : .sse))
        var out: [UInt8] = []
        var rest = stream[...]
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...200, using: &random))
            Array(rest.prefix(count)).withUnsafeBytes { translator.read($0, into: &out) }
            rest = rest.dropFirst(count)
        }
        translator.finish(into: &out)
        return out
    }

    /// An answer's events, as an upstream of the dialect could say them.
    private func events(_ random: inout Seeded) -> [CanonicalEvent] {
        var events: [CanonicalEvent] = [.start(id: "id_1", model: "served")]
        let tools = Int.random(in: 0...3, using: &random)
        if Bool.random(using: &random) {
            events += [.thinking("Let me"), .thinking(" think.\n"), .blockEnd]
        }
        if Bool.random(using: &random) || tools == 0 {
            events += [.text("Hello "), .text("“world”\n"), .blockEnd]
        }
        for slot in 0..<tools {
            events.append(.toolStart(slot: slot, id: "call_\(slot)", name: "tool\(slot)"))
            for piece in ["{\"a\":", " \"é\"", "}"] where slot != 1 { events.append(.toolArguments(slot: slot, piece)) }
            if slot == 1 { events.append(.toolArguments(slot: slot, "{}")) }
            events.append(.toolEnd(slot: slot))
        }
        var usage = TokenUsage()
        usage.input = 100
        usage.cacheRead = 40
        usage.output = 7
        events += [.usage(usage), .finish(tools > 0 ? .toolUse : Bool.random(using: &random) ? .endTurn : .maxTokens), .end]
        return events
    }

    private func stream(_ events: [CanonicalEvent], _ dialect: Dialect) throws -> [UInt8] {
        var writer = try #require(makeEventWriter(dialect, Self.context))
        var out: [UInt8] = []
        for event in events { writer.write(event, into: &out) }
        return out
    }

    /// Ollama counts what was read and what was written, and nothing more.
    private func expectUsage(_ got: CollectedAnswer, _ wanted: CollectedAnswer, _ upstream: Dialect, _ client: Dialect) {
        if upstream == .ollama || client == .ollama {
            #expect(got.usage.totalInput == wanted.usage.totalInput && got.usage.output == wanted.usage.output)
        } else {
            #expect(got.usage == wanted.usage)
        }
    }

    @Test(arguments: translatableDialects, translatableDialects)
    func anAnswerSurvivesEveryPairInAnySplit(_ upstream: Dialect, _ client: Dialect) throws {
        for seed in 0..<UInt64(200) {
            var random = Seeded(seed)
            let events = events(&random)
            var wanted = CollectedAnswer()
            for event in events { wanted.take(event) }
            let out = try translate(try stream(events, upstream), upstream, client, &random)
            let (got, isWhole) = try collected(out, client)
            #expect(isWhole, "seed \(seed)")
            #expect(got.blocks == wanted.blocks, "seed \(seed): \(text(out))")
            #expect(got.stop == wanted.stop, "seed \(seed)")
            expectUsage(got, wanted, upstream, client)
        }
    }

    @Test(arguments: translatableDialects, translatableDialects)
    func aDocumentIsTheStreamsAnswer(_ upstream: Dialect, _ client: Dialect) throws {
        for seed in 0..<UInt64(100) {
            var random = Seeded(seed)
            let events = events(&random)
            var wanted = CollectedAnswer()
            for event in events { wanted.take(event) }
            var writer = try #require(makeEventWriter(upstream, Self.context))
            for event in events { writer.collect(event) }
            var translator = try #require(AnswerTranslator(from: upstream, to: client, context: Self.context))
            let body = writer.document().withUnsafeBytes { translator.document($0) }
            var got = CollectedAnswer()
            var whole = try #require(makeEventReader(client, Self.context))
            body.withUnsafeBytes { whole.readDocument($0) { got.take($0) } }
            #expect(got.blocks == wanted.blocks, "seed \(seed): \(text(body))")
            #expect(got.stop == wanted.stop, "seed \(seed)")
            expectUsage(got, wanted, upstream, client)
        }
    }

    @Test func interleavedToolCallsBecomeOneBlockAfterTheOther() throws {
        let chunks = [
            #"{"id":"x","model":"v","choices":[{"index":0,"delta":{"role":"assistant"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"one","arguments":"{"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"two","arguments":"{\"n\""}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":":1}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        ]
        var random = Seeded(1)
        let stream = Array((chunks.map { "data: \($0)\n\n" }.joined() + "data: [DONE]\n\n").utf8)
        let out = text(try translate(stream, .openAIChat, .anthropicMessages, &random))
        let starts = out.components(of: "content_block_start\",").count
        #expect(starts == 3)
        #expect(out.contains(#""index":1,"delta":{"type":"input_json_delta","partial_json":"{\"n\":1}"}"#))
        #expect(out.contains(#""stop_reason":"tool_use""#))
    }

    @Test(arguments: translatableDialects)
    func aStreamThatBreaksOffLooksBroken(_ client: Dialect) throws {
        var random = Seeded(3)
        let broken = Array(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"i\",\"model\":\"m\",\"usage\":{}}}\n\n".utf8)
        let (_, isWhole) = try collected(translate(broken, .anthropicMessages, client, &random), client)
        #expect(!isWhole)
    }

    @Test(arguments: translatableDialects)
    func anErrorInsideAStreamIsToldInTheClientsForm(_ client: Dialect) throws {
        var random = Seeded(4)
        let failing = Array(
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n".utf8)
        let (answer, isWhole) = try collected(translate(failing, .anthropicMessages, client, &random), client)
        #expect(answer.failure?.message == "Overloaded")
        // Each has a word of its own for it, or none.
        let word =
            switch client {
            case .gemini: "UNAVAILABLE"
            case .openAIResponses: "server_error"
            case .ollama: "api_error"
            default: "overloaded_error"
            }
        #expect(answer.failure?.code == word)
        #expect(!isWhole)
    }

    @Test func freeTextToolsAndNamespacesComeBackAsTheyWereOffered() throws {
        var patch = CanonicalTool(name: "apply_patch", isCustom: true)
        patch.schema = nil
        var spawn = CanonicalTool(name: "agents__spawn", schema: Array("{}".utf8))
        spawn.namespace = "agents"
        var context = Self.context
        context.tools = [patch, spawn]
        var writer = ResponsesEventWriter(context)
        for event: CanonicalEvent in [
            .start(id: "r", model: "m"), .toolStart(slot: 0, id: "c", name: "apply_patch"),
            .toolArguments(slot: 0, #"{"input":"*** "#), .toolArguments(slot: 0, #"Begin\n"}"#), .toolEnd(slot: 0),
            .toolStart(slot: 1, id: "f", name: "agents__spawn"), .toolArguments(slot: 1, "{}"), .toolEnd(slot: 1), .finish(.toolUse), .end,
        ] { writer.collect(event) }
        let body = text(writer.document())
        #expect(body.contains(#""type":"custom_tool_call","status":"completed","call_id":"c","name":"apply_patch","input":"*** Begin\n""#))
        #expect(body.contains(#""call_id":"f","name":"spawn","namespace":"agents","arguments":"{}""#))
    }

    @Test(arguments: Fixture.metered.filter { translatableDialects.contains($0.endpoint.dialect) && $0.expected.complete })
    func everyRecordedAnswerKeepsItsUsageAndItsEnd(_ fixture: Fixture) throws {
        guard fixture.expected.error == nil, fixture.endpoint != .responsesCompact, fixture.expected.pending != true,
            !fixture.name.hasPrefix("vendor")
        else { return }
        let from = fixture.endpoint.dialect
        for to in translatableDialects {
            var random = Seeded(5)
            var got = CollectedAnswer()
            if fixture.isStream {
                got = try collected(translate(fixture.response, from, to, &random, kind: fixture.kind), to).answer
            } else {
                var translator = try #require(AnswerTranslator(from: from, to: to, context: Self.context))
                let body = fixture.response.withUnsafeBytes { translator.document($0) }
                var reader = try #require(makeEventReader(to, Self.context))
                body.withUnsafeBytes { reader.readDocument($0) { got.take($0) } }
            }
            #expect(got.stop != nil, "\(fixture) to \(to)")
            if let usage = fixture.expected.usage { #expect(got.usage.output == usage["output"] ?? 0, "\(fixture) to \(to)") }
        }
    }
}

extension String {
    fileprivate func components(of separator: String) -> [Substring] {
        var parts: [Substring] = []
        var start = startIndex
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(separator) {
                parts.append(self[start..<index])
                index = self.index(index, offsetBy: separator.count)
                start = index
            } else {
                index = self.index(after: index)
            }
        }
        return parts + [self[start...]]
    }
}
