// The matrix: every case of every upstream dialect, to every client dialect, whole and streamed, and a whole answer streamed. One
// expectation a case, and readers that know nothing of Weir.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct AnswerMatrixTests {
    /// Pairs that are translated: a dialect to itself passes as it came, and so do the envelopes of Claude's messages.
    private func isTranslated(_ recording: Recording, _ client: Dialect) -> Bool {
        recording.upstream != client && !areEnvelopes(recording.upstream, client)
    }

    private func translate(_ recording: Recording, _ bytes: [UInt8], _ client: Dialect, isStream: Bool, seed: UInt64 = 0) throws -> [UInt8]
    {
        try Translating.answer(bytes, recording.upstream, client, isStream: isStream, kind: recording.kind, seed: seed)
    }

    @Test func theCasesAreThere() {
        #expect(Recording.all.count >= 110)
        for dialect in translatableDialects { #expect(Recording.all.contains { $0.upstream == dialect }) }
    }

    @Test(arguments: Recording.all) func theRecordingMeansWhatIsExpected(_ recording: Recording) throws {
        var expected = try recording.expected()
        if recording.upstream == .bedrockConverse { (expected.id, expected.model) = (nil, nil) }
        if recording.upstream == .ollama { expected.id = nil }
        for isStream in [true, false] {
            guard let bytes = isStream ? recording.events.map({ _ in recording.frames().flatMap { $0 } }) : recording.document else {
                continue
            }
            var seen = try see(bytes, recording.upstream, isStream: isStream, strictly: false)
            if recording.upstream == .openAIChat || recording.upstream == .ollama { expected = expected.inOrderOfKinds() }
            if expected.failure != nil {
                // A provider's own word for a wrong call is told in Weir's.
                #expect(seen.failure != nil)
                continue
            }
            if seen.stop == .end, expected.stop == .tools { seen.stop = .tools }
            #expect(seen == expected)
        }
    }

    @Test(arguments: Recording.all, translatableDialects)
    func aStreamIsSeenAlike(_ recording: Recording, _ client: Dialect) throws {
        guard isTranslated(recording, client), recording.events != nil else { return }
        let bytes = recording.frames().flatMap { $0 }
        let expected = try recording.expected()
        for seed in 0..<UInt64(4) {
            let written = try translate(recording, bytes, client, isStream: true, seed: seed)
            expectSame(try see(written, client, isStream: true), expected, recording.upstream, client, isStream: true)
        }
    }

    @Test(arguments: Recording.all, translatableDialects)
    func aWholeAnswerIsSeenAlike(_ recording: Recording, _ client: Dialect) throws {
        guard isTranslated(recording, client), let document = recording.document else { return }
        let expected = try recording.expected()
        let written = try translate(recording, document, client, isStream: false)
        expectSame(try see(written, client, isStream: false), expected, recording.upstream, client, isStream: false)
        // Some servers answer a stream's request with a whole answer.
        var translator = try #require(AnswerTranslator(from: recording.upstream, to: client, context: Translating.context))
        var streamed: [UInt8] = []
        document.withUnsafeBytes { translator.stream(document: $0, into: &streamed) }
        expectSame(try see(streamed, client, isStream: true), expected, recording.upstream, client, isStream: true)
    }

    /// A provider that hangs up, behind each of its events: never taken for a whole answer before it said why it stopped, and nothing
    /// of what was said is lost.
    @Test(arguments: Recording.all, translatableDialects)
    func aStreamThatBreaksOffIsSeenToBreakOff(_ recording: Recording, _ client: Dialect) throws {
        guard isTranslated(recording, client), recording.events != nil else { return }
        let frames = recording.frames()
        let expected = try recording.expected().seen(by: client, isStream: true)
        for count in 0..<frames.count {
            let bytes = Array(frames.prefix(count).joined())
            let written = try translate(recording, bytes, client, isStream: true)
            let seen = try see(written, client, isStream: true)
            let said = try see(bytes, recording.upstream, isStream: true, strictly: false)
            #expect(seen.isWhole == (said.stop != nil && said.failure == nil), "behind \(count)")
            #expect(expected.failure != nil || text(expected).hasPrefix(text(seen)), "behind \(count)")
        }
    }

    private func text(_ answer: SeenAnswer) -> String {
        answer.parts.map { part in
            switch part {
            case .text(let text), .refusal(let text): text
            default: ""
            }
        }.joined()
    }

    @Test(arguments: translatableDialects, translatableDialects)
    func aLongStreamIsSeenWhole(_ upstream: Dialect, _ client: Dialect) throws {
        let found = try #require(Recording.all.first { $0.upstream == upstream && $0.name == "text" })
        guard isTranslated(found, client) else { return }
        let recording = found.repeating("Hello ", 2000)
        let written = try translate(recording, recording.frames().flatMap { $0 }, client, isStream: true, seed: 7)
        let seen = try see(written, client, isStream: true)
        #expect(seen.parts == [.text(String(repeating: "Hello ", count: 2000) + "“wörld” 🧵\n\"quoted\" \\ {} ")])
        #expect(seen.stop == .end && seen.isWhole)
    }

    /// The client is told the tokens that the ledger is, as far as its dialect can say them.
    @Test(arguments: Recording.all) func theMeterReadsTheUsageThatClientsSee(_ recording: Recording) throws {
        let expected = try recording.expected()
        guard let usage = expected.usage, expected.failure == nil else { return }
        for isStream in [true, false] {
            guard let bytes = isStream ? recording.events.map({ _ in recording.frames().flatMap { $0 } }) : recording.document else {
                continue
            }
            var meter = ResponseMeter(
                endpoint: endpoint(recording.upstream, isStream), body: isStream ? recording.kind : .json, withholdsUsageEvent: false,
                lineBytesMax: 1 << 20)
            bytes.withUnsafeBytes { meter.consume($0) }
            meter.finish { _ in }
            let read = meter.reading.usage
            #expect(meter.reading.isComplete && meter.reading.usageSource == .provider)
            #expect(
                SeenAnswer.Usage(
                    read: Int(read.totalInput), cached: Int(read.cacheRead), written: Int(read.cacheWrite), output: Int(read.output),
                    reasoning: Int(read.reasoning)) == usage)
        }
    }

    private func endpoint(_ dialect: Dialect, _ isStream: Bool) -> Endpoint {
        switch dialect {
        case .openAIResponses: .responses
        case .anthropicMessages: .messages
        case .gemini: isStream ? .streamGenerateContent : .generateContent
        case .ollama: .ollamaChat
        case .bedrockConverse: isStream ? .converseStream : .converse
        case .bedrockInvoke: isStream ? .invokeModelStream : .invokeModel
        default: .chatCompletions
        }
    }
}
