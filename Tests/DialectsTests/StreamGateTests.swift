// StreamGateTests: a stream that a limit ends is a whole answer that has reached its length, wherever it is ended and however its bytes
// are split; one that is not ended passes byte for byte.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct StreamGateTests {
    /// One event as its dialect writes it.
    private static func event(_ data: String, named: Bool = true) -> String {
        let name = data.split(separator: "\"").dropFirst(3).first.map(String.init) ?? ""
        return (named ? "event: \(name)\n" : "") + "data: \(data)\n\n"
    }

    private static let chat: String =
        (0..<6).map {
            event(
                #"{"id":"chatcmpl-9","object":"chat.completion.chunk","created":5,"model":"gpt-5.4","#
                    + #""choices":[{"index":0,"delta":{"content":"piece \#($0)"},"finish_reason":null}]}"#, named: false)
        }.joined()
        + event(#"{"id":"chatcmpl-9","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#, named: false) + "data: [DONE]\n\n"

    private static let messages: String =
        event(
            #"{"type":"message_start","message":{"id":"msg_1","model":"claude","#
                + #""usage":{"input_tokens":9,"output_tokens":1}}}"#)
        + event(#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#)
        + (0..<4).map {
            event(#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"piece \#($0)"}}"#)
        }.joined()
        + event(#"{"type":"content_block_stop","index":0}"#)
        + event(#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#)
        + event(#"{"type":"content_block_stop","index":1}"#)
        + event(#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#)
        + event(#"{"type":"message_stop"}"#)

    private static let responses: String =
        event(
            #"{"type":"response.created","sequence_number":0,"response":{"id":"resp_7","object":"response","#
                + #""status":"in_progress","model":"gpt-5.4","output":[],"usage":null}}"#)
        + (1..<5).map { event(#"{"type":"response.output_text.delta","sequence_number":\#($0),"delta":"piece"}"#) }.joined()
        + event(#"{"type":"response.output_item.done","sequence_number":5}"#)
        + event(
            #"{"type":"response.completed","sequence_number":6,"response":{"id":"resp_7","status":"completed","#
                + #""usage":{"input_tokens":1,"output_tokens":2}}}"#)

    static let streams: [(endpoint: Endpoint, text: String)] = [
        (.chatCompletions, chat), (.messages, messages), (.responses, responses),
    ]

    private func gate(_ endpoint: Endpoint) throws -> StreamGate {
        try #require(StreamGate(endpoint, model: "m", id: "1", created: 5, includesUsage: true, eventBytesMax: 1 << 20))
    }

    /// What the client gets of a stream that is told to stop behind the event of this number.
    private func passed(_ endpoint: Endpoint, _ text: String, stopAfter: Int, pieces: Int, onlyAtBlocks: Bool = false) throws -> String {
        var gate = try gate(endpoint)
        var out: [UInt8] = []
        var count = 0
        let bytes = Array(text.utf8)
        var usage = TokenUsage()
        usage.input = 11
        usage.output = 22
        let told = usage
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            Array(bytes[start..<min(bytes.count, start + pieces)]).withUnsafeBytes { part in
                gate.read(part, into: &out, usage: { told }) { endsBlock in
                    count += 1
                    return count > stopAfter && (endsBlock || !onlyAtBlocks) ? .stop : .goOn
                }
            }
        }
        gate.finish(into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private func reading(_ endpoint: Endpoint, _ text: String) -> MeterReading {
        var meter = ResponseMeter(endpoint: endpoint, body: .sse, withholdsUsageEvent: false, lineBytesMax: 1 << 20)
        Array(text.utf8).withUnsafeBytes { meter.consume($0) }
        meter.finish { _ in }
        return meter.reading
    }

    @Test(arguments: 0..<3) func whatIsNotEndedPassesByteForByte(_ number: Int) throws {
        let (endpoint, text) = Self.streams[number]
        for pieces in [1, 7, 64, 100_000] { #expect(try passed(endpoint, text, stopAfter: .max - 1, pieces: pieces) == text) }
    }

    @Test(arguments: 0..<3) func whereverItIsEndedTheAnswerIsWholeAndHasReachedItsLength(_ number: Int) throws {
        let (endpoint, text) = Self.streams[number]
        let reason = [Endpoint.chatCompletions: "length", .messages: "max_tokens", .responses: "max_output_tokens"][endpoint]
        let events = text.split(separator: "\n\n", omittingEmptySubsequences: false).count - 1
        var ended = 0
        for stop in 0..<events {
            let cut = try passed(endpoint, text, stopAfter: stop, pieces: 100_000)
            let found = reading(endpoint, cut)
            #expect(found.isComplete, "ended behind event \(stop + 1)")
            #expect(cut.hasPrefix(String(text.prefix(40))))
            if cut != text {
                ended += 1
                #expect(cut.contains("\"\(reason ?? "")\""))
                #expect(found.usage.output == 22)
            }
            for pieces in [1, 13] { #expect(try passed(endpoint, text, stopAfter: stop, pieces: pieces) == cut) }
        }
        #expect(ended >= events / 2)
    }

    @Test func anOpenBlockIsClosedAndAClosedOneIsNot() throws {
        let (endpoint, text) = Self.streams[1]
        let open = try passed(endpoint, text, stopAfter: 2, pieces: 64)
        #expect(open.split(separator: "event: content_block_stop", omittingEmptySubsequences: false).count == 2)
        let closed = try passed(endpoint, text, stopAfter: 2, pieces: 64, onlyAtBlocks: true)
        #expect(closed.contains("piece 3"))
        #expect(closed.split(separator: "event: content_block_stop", omittingEmptySubsequences: false).count == 2)
        #expect(!closed.contains("\"index\":1"))
    }

    @Test func anAnswerThatHasSaidWhyItEndsIsLetEnd() throws {
        let (endpoint, text) = Self.streams[0]
        #expect(try passed(endpoint, text, stopAfter: 6, pieces: 64) == text)
    }

    @Test func dialectsWithoutSuchAnEndHaveNoGate() {
        #expect(StreamGate(.embeddings, model: "m", id: "1", created: 5, includesUsage: false, eventBytesMax: 99) == nil)
    }
}
