// The event framer: line ends, comments, several data lines, the byte order mark, the limit, and every split of each.

import FuzzOracles
import Testing
import WireFormat

@Suite struct SSEFramerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var events: [FramedEvent]
        init(_ name: String, _ text: String, _ events: [(String, String)]) {
            testDescription = name
            self.text = text
            self.events = events.map { FramedEvent(name: $0.0, data: $0.1) }
        }
    }

    static let cases = [
        Case("LF", "data: a\n\ndata: b\n\n", [("", "a"), ("", "b")]),
        Case("CRLF", "event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [("e", "a"), ("", "b")]),
        Case("CR", "event: e\rdata: a\r\rdata: b\r\r", [("e", "a"), ("", "b")]),
        Case(
            "mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\rdata: d\n\rdata: e\r\r\n",
            ["a", "b", "c", "d", "e"].map { ("", $0) }),
        Case("no space", "event:e\ndata:a\n\n", [("e", "a")]),
        Case("only one space goes", "data:  a \n\n", [("", " a ")]),
        Case("several data lines", "data: a\ndata: b\ndata:\ndata: c\n\n", [("", "a\nb\n\nc")]),
        Case("data without colon", "data\ndata\n\n", [("", "\n")]),
        Case("comments", ": keep-alive\n\n:\r\n\r\n: x\ndata: a\n: y\n\n", [("", "a")]),
        Case("other fields", "id: 1\nretry: 10\ndatax: no\nData: no\n data: no\ndata: a\nfoo\n\n", [("", "a")]),
        Case("the last name wins", "event: a\nevent: b\ndata: x\n\n", [("b", "x")]),
        Case("byte order mark", "\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", [("", "a")]),
        Case("blank lines", "\n\n\r\n\r\ndata: a\n\n\n\n", [("", "a")]),
        Case("no last blank line", "data: a\n\ndata: b", [("", "a"), ("", "b")]),
        Case("last line end but no blank line", "data: a\n\nevent: e\ndata: b\n", [("", "a"), ("e", "b")]),
        Case("colons in data", "data: {\"a\":\"b: c\"}\n\n", [("", "{\"a\":\"b: c\"}")]),
        Case("characters of several bytes", "data: 日本😀\r\n\r\n", [("", "日本😀")]),
        Case("done", "data: [DONE]\n\n", [("", "[DONE]")]),
        Case("empty", "", []),
        Case("half a byte order mark", "data", []),
    ]

    @Test(arguments: cases) func eventsAreFramed(_ one: Case) {
        let result = frameEvents([Array(one.text.utf8)])
        #expect(result.events == one.events)
        #expect(result.raw == Array(one.text.utf8))
    }

    @Test(arguments: cases) func aSplitAtAnyByteChangesNothing(_ one: Case) {
        let bytes = Array(one.text.utf8)
        for place in 0...bytes.count {
            let result = frameEvents([Array(bytes[..<place]), Array(bytes[place...])])
            #expect(result.events == one.events, "split at \(place)")
            #expect(result.raw == bytes, "split at \(place)")
        }
        #expect(frameEvents(bytes.map { [$0] }).events == one.events)
    }

    @Test func anEventOverTheLimitPassesAndTheNextIsReadAgain() {
        let long = "data: " + String(repeating: "x", count: 300)
        for end in ["\n", "\r\n", "\r"] {
            let text = "data: a\(end)\(end)\(long)\(end)\(end)data: b\(end)\(end)"
            let bytes = Array(text.utf8)
            var splits = (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
            splits.append(bytes.map { [$0] })
            for pieces in splits {
                let result = frameEvents(pieces, eventBytesMax: 100)
                #expect(result.events == [FramedEvent(name: "", data: "a"), FramedEvent(name: "", data: "b")])
                #expect(result.raw == bytes)
                #expect(result.oversized == 1)
            }
        }
    }

    @Test func anOversizedEventThatNeverEndsStillPassesWhole() {
        let bytes = Array(("data: " + String(repeating: "x", count: 500) + "\r").utf8)
        for pieces in [[bytes], bytes.map { [$0] }] {
            let result = frameEvents(pieces, eventBytesMax: 64)
            #expect(result.events.isEmpty)
            #expect(result.raw == bytes)
        }
    }

    @Test func aHeldBackLineEndDoesNotCountForTheNextEvent() {
        // Found by the fuzzer: `CR` at the end of a piece was added to the event behind it, which then was one byte too long.
        let event = "data: " + String(repeating: "x", count: 92) + "\n\n"
        for start in ["\r", "\u{FEFF}\r", "a\r\r"] {
            let result = frameEvents([Array(start.utf8), Array(event.utf8)], eventBytesMax: 100)
            #expect(result.oversized == 0)
            #expect(result.events.count == 1)
        }
    }

    @Test func memoryIsBoundedByTheLimit() {
        var framer = SSEFramer(eventBytesMax: 1000)
        var passed = 0
        let piece = [UInt8](repeating: 120, count: 100)
        for _ in 0..<1000 { piece.withUnsafeBytes { framer.read($0, passed: { passed += $0.count }) { _ in } } }
        #expect(passed >= 100_000 - 1100)
        #expect(framer.oversizedCount == 1)
    }

    @Test func aStreamOfCarriageReturnsTakesLinearTime() {
        // Once it looked for a line feed behind every carriage return: 4 MB took minutes.
        let bytes = Array(String(repeating: "data:x\r", count: 600_000).utf8) + [13, 13, 120]
        let clock = ContinuousClock()
        let time = clock.measure { _ = frameEvents([bytes], eventBytesMax: 16 << 20) }
        #expect(time < .seconds(20))
    }

    @Test func theFramerAgreesWithTheSpecificationOnRandomStreams() {
        var random = Seeded(11)
        let parts = [
            "data", "data:", "data: ", "event: e", "event:", ":", "x", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "日", " ",
            "id: 1", "\u{FEFF}",
        ]
        for _ in 0..<3000 {
            let text = (0..<random.below(25)).map { _ in parts[random.below(parts.count)] }.joined()
            let finding = checkSSE([random.chance(2) ? 0 : 0x80] + Array(text.utf8))
            if let finding {
                Issue.record("\(finding): \(text.debugDescription)")
                return
            }
        }
    }
}
