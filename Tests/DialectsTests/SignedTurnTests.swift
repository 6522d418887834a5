// Signed thinking that is kept apart from its client, and put back where it stood.

import Dialects
import GatewayModel
import Testing

@Suite struct SignedTurnTests {
    private func collect(_ events: [CanonicalEvent]) -> SignedTurn? {
        var collector = SignatureCollector()
        for event in events { collector.take(event) }
        return collector.turn
    }

    private let interleaved: [CanonicalEvent] = [
        .start(id: "m", model: "claude"), .thinking("fir"), .thinking("st"), .signature("s"), .signature("1"), .blockEnd,
        .redactedThinking("hidden"), .blockEnd, .text("I will "), .text("look."), .blockEnd,
        .toolStart(slot: 0, id: "toolu_1", name: "a"), .toolArguments(slot: 0, "{}"), .toolEnd(slot: 0),
        .thinking("second"), .signature("s2"), .blockEnd,
        .toolStart(slot: 1, id: "toolu_2", name: "b"), .toolEnd(slot: 1), .finish(.toolUse), .end,
    ]

    private func request(_ blocks: [CanonicalBlock]) -> CanonicalRequest {
        var request = CanonicalRequest()
        request.messages = [CanonicalMessage(.user, [.text("hi")]), CanonicalMessage(.assistant, blocks)]
        return request
    }

    private func call(_ id: String) -> CanonicalBlock {
        CanonicalBlock(.toolCall(CanonicalToolCall(id: id, name: "a", arguments: "{}")))
    }

    @Test func thinkingComesBackByteForByteAndInItsPlace() throws {
        let turn = try #require(collect(interleaved))
        #expect(turn.names == ["call toolu_1", "call toolu_2"])
        // The client had a place for its text alone.
        var request = request([CanonicalBlock(.thinking("first", signature: nil)), .text("I will look."), call("toolu_1"), call("toolu_2")])
        request.restoreSignatures { $0 == "call toolu_1" ? (turn, true) : nil }
        #expect(
            request.messages[1].blocks.map(\.part) == [
                .thinking("first", signature: "s1"), .redactedThinking("hidden"), .text("I will look."), call("toolu_1").part,
                .thinking("second", signature: "s2"), call("toolu_2").part,
            ])
        #expect(request.unmapped.isEmpty)
    }

    @Test func whatAnotherProviderMadeStaysOutAndIsNamed() throws {
        let turn = try #require(collect(interleaved))
        var request = request([.text("I will look."), call("toolu_1"), call("toolu_2")])
        let before = request.messages
        request.restoreSignatures { _ in (turn, false) }
        #expect(request.messages == before && request.unmapped == ["messages[].thinking"])
    }

    @Test func anAnswerWithoutCallsIsFoundByItsTextHoweverItIsTrimmed() throws {
        let turn = try #require(collect([.thinking("t"), .signature("s"), .blockEnd, .text("All "), .text("done.\n"), .end]))
        var asked: [String] = []
        var request = request([.text("All done.")])
        request.restoreSignatures { name in
            asked.append(name)
            return name == turn.names[0] ? (turn, true) : nil
        }
        #expect(asked == turn.names && request.messages[1].blocks.first?.part == .thinking("t", signature: "s"))
    }

    @Test func whatIsNotSignedIsNotKept() {
        #expect(collect([.thinking("t"), .blockEnd, .toolStart(slot: 0, id: "c", name: "a"), .end]) == nil)
        #expect(collect([.text("hello"), .end]) == nil)
        // An empty thought with a signature is a thought (`display: omitted`).
        #expect(collect([.signature("s"), .toolStart(slot: 0, id: "c", name: "a"), .end])?.thoughts.count == 1)
    }

    @Test func thinkingWithoutAnEndIsNotHeldForever() {
        let events = (0..<3000).map { _ in CanonicalEvent.thinking(String(repeating: "x", count: 512)) } + [.signature("s"), .end]
        #expect(collect(events) == nil)
    }
}
