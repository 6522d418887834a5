// Every recorded answer of every dialect, to every client: who knows only the provider's dialect and who knows only the client's see
// the same answer.

import Dialects
import FuzzOracles
import GatewayModel
import Testing

@Suite struct FixtureMatrixTests {
    /// Recordings that another dialect never carries: they belong to endpoints of one provider.
    private static let recordings = Fixture.metered.filter { fixture in
        translatableDialects.contains(fixture.endpoint.dialect) && fixture.endpoint != .responsesCompact && fixture.expected.pending != true
            && !fixture.name.hasPrefix("vendor")
    }

    @Test(arguments: recordings, translatableDialects)
    func whatWasRecordedIsSeenByEveryClient(_ fixture: Fixture, _ client: Dialect) throws {
        let upstream = fixture.endpoint.dialect
        guard upstream != client, !areEnvelopes(upstream, client) else { return }
        // Half of a character in an escape is nothing that Foundation reads.
        guard fixture.name != "unicode_and_escapes" else { return }
        let isStream = fixture.isStream
        var said = try see(fixture.response, upstream, isStream: isStream, strictly: false)
        // Counts that contradict each other are mended by the meter, whose own tests hold how; what compacting cost stands beside them.
        if fixture.expected.flags?.contains("inconsistent") == true || fixture.name.hasPrefix("compaction") { said.usage = nil }
        // Who calls a custom tool was offered one, which two dialects can.
        let custom = said.parts.compactMap {
            if case .custom(_, let name, _) = $0 { CanonicalTool(name: name, isCustom: true) } else { nil }
        }
        guard custom.isEmpty || client == .openAIChat || client == .openAIResponses else { return }
        var context = Translating.context
        context.tools = custom
        if said.id == nil { said.id = Translating.context.id }
        if said.model == nil { said.model = Translating.context.model }
        for seed in 0..<(isStream ? UInt64(4) : 1) {
            let written = try Translating.answer(
                fixture.response, upstream, client, isStream: isStream, kind: fixture.kind, seed: seed, context: context)
            expectSame(try see(written, client, isStream: isStream), said, upstream, client, isStream: isStream)
        }
    }
}

/// What a provider's bytes become for a client.
enum Translating {
    static let context: AnswerContext = {
        var context = AnswerContext(created: 1_795_564_801, model: "asked", id: "local", includeUsage: true)
        context.upstreamModel = "asked"
        return context
    }()

    static func answer(
        _ bytes: [UInt8], _ upstream: Dialect, _ client: Dialect, isStream: Bool, kind: ResponseBodyKind, seed: UInt64,
        context: AnswerContext = context
    ) throws -> [UInt8] {
        var translator = try #require(AnswerTranslator(from: upstream, to: client, context: context))
        guard isStream else { return bytes.withUnsafeBytes { translator.document($0) } }
        translator.begin(kind)
        var random = Seeded(seed)
        var out: [UInt8] = []
        for piece in seed == 0 ? [bytes] : random.cut(bytes) { piece.withUnsafeBytes { translator.read($0, into: &out) } }
        translator.finish(into: &out)
        return out
    }
}

/// Two see the same answer, as far as the client's dialect can say it.
func expectSame(
    _ got: SeenAnswer, _ said: SeenAnswer, _ upstream: Dialect, _ client: Dialect, isStream: Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var wanted = said.seen(by: client, isStream: isStream)
    var got = got
    if [.openAIChat, .ollama].contains(upstream) { (wanted, got) = (wanted.inOrderOfKinds(), got.inOrderOfKinds()) }
    got.parts = zip(got.parts, wanted.parts).map { got, wanted in withoutMintedID(got, wanted) } + got.parts.dropFirst(wanted.parts.count)
    // Of a failure nothing but itself is held against the client.
    if let failure = wanted.failure {
        #expect(got.failure == failure, sourceLocation: sourceLocation)
        #expect(!got.isWhole, sourceLocation: sourceLocation)
        return
    }
    #expect(got.failure == nil, sourceLocation: sourceLocation)
    #expect(got.parts == wanted.parts, sourceLocation: sourceLocation)
    #expect(got.stop == wanted.stop, sourceLocation: sourceLocation)
    #expect(got.isWhole == wanted.isWhole, sourceLocation: sourceLocation)
    guard wanted.isWhole else { return }
    if wanted.stopDetail != nil { #expect(got.stopDetail == wanted.stopDetail, sourceLocation: sourceLocation) }
    #expect(got.id == wanted.id && got.model == wanted.model, sourceLocation: sourceLocation)
    if let usage = wanted.usage { #expect(got.usage == usage, sourceLocation: sourceLocation) }
}

/// A call that its provider gave no id has one of Weir's making.
private func withoutMintedID(_ got: SeenAnswer.Part, _ wanted: SeenAnswer.Part) -> SeenAnswer.Part {
    guard case .call(let id, let name, let arguments) = got, case .call(let number, _, _) = wanted, number.hasPrefix("#"),
        ["gcall_local_", "ocall_local_"].contains(where: { id == "\($0)\(number.dropFirst())" })
    else { return got }
    return .call(id: number, name: name, arguments: arguments)
}
