// Converse answers: usage in its classes, failures inside a stream, and envelopes of Claude's messages.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private func stream(_ events: [(String, String)]) -> [UInt8] {
    var out: [UInt8] = []
    for (type, json) in events {
        if type.hasSuffix("Exception") {
            appendAWSException(type, json: Array(json.utf8), to: &out)
        } else {
            appendAWSEvent(type, json: Array(json.utf8), to: &out)
        }
    }
    return out
}

private func translated(_ bytes: [UInt8], _ from: Dialect, _ to: Dialect, model: String = "") throws -> [UInt8] {
    var context = AnswerContext(created: 1, model: "m", id: "local", includeUsage: true)
    context.upstreamModel = model
    var translator = try #require(AnswerTranslator(from: from, to: to, context: context))
    var out: [UInt8] = []
    var random = Seeded(7)
    for piece in random.cut(bytes) { piece.withUnsafeBytes { translator.read($0, into: &out) } }
    translator.finish(into: &out)
    return out
}

private func metered(_ bytes: [UInt8], _ endpoint: Endpoint, _ kind: ResponseBodyKind = .eventStream, model: String = "") -> MeterReading {
    var meter = ResponseMeter(endpoint: endpoint, body: kind, withholdsUsageEvent: false, lineBytesMax: 1 << 20, model: model)
    bytes.withUnsafeBytes { meter.consume($0) }
    meter.finish { _ in }
    return meter.reading
}

private let begin = ("messageStart", #"{"role":"assistant"}"#)
private let hello = ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"abc"}"#)
private let stop = ("messageStop", #"{"stopReason":"end_turn"}"#)

@Suite struct ConverseAnswerTests {
    @Test func usageKeepsReadsAndBothWritesApart() {
        let usage =
            #"{"inputTokens":10,"outputTokens":5,"totalTokens":65,"cacheReadInputTokens":20,"cacheWriteInputTokens":30,"#
            + #""cacheDetails":[{"ttl":"5m","inputTokens":10},{"ttl":"1h","inputTokens":20}]}"#
        let end = ("metadata", #"{"usage":"# + usage + #","metrics":{"latencyMs":1},"serviceTier":{"type":"flex"}}"#)
        let reading = metered(stream([begin, hello, stop, end]), .converseStream)
        #expect(reading.usage.input == 10 && reading.usage.cacheRead == 20 && reading.usage.output == 5)
        #expect(reading.usage.cacheWrite5m == 10 && reading.usage.cacheWrite1h == 20 && !reading.inconsistent)
        #expect(reading.isComplete && reading.usageSource == .provider && reading.finishReason == "end_turn")
        #expect(reading.qualifiers.serviceTier == "flex" && text(reading.rawUsage ?? []) == usage && reading.contentBytes == 2)
        let document = metered(
            Array((#"{"output":{"message":{"content":[]}},"stopReason":"end_turn","usage":"# + usage + "}").utf8), .converse, .json)
        #expect(document.usage == reading.usage && document.isComplete)
    }

    @Test func aSplitThatDoesNotSumIsPricedAsTheShorterLifetime() {
        let end = (
            "metadata",
            #"{"usage":{"inputTokens":1,"outputTokens":1,"cacheWriteInputTokens":30,"cacheDetails":[{"ttl":"1h","inputTokens":7}]}}"#
        )
        let reading = metered(stream([begin, stop, end]), .converseStream)
        #expect(reading.usage.cacheWrite5m == 30 && reading.usage.cacheWrite1h == 0 && reading.inconsistent)
    }

    /// What was once billed as 4995 plus 4993 tokens.
    @Test func theInputOfAnOpenAIModelsStreamIncludesItsCache() {
        let end = ("metadata", #"{"usage":{"inputTokens":4995,"outputTokens":9,"cacheReadInputTokens":0,"cacheWriteInputTokens":4993}}"#)
        let reading = metered(stream([begin, stop, end]), .converseStream, model: "openai.gpt-5.6")
        #expect(reading.usage.input == 2 && reading.usage.cacheWrite30m == 4993)
        let whole = metered(
            Array(#"{"output":{},"stopReason":"end_turn","usage":{"inputTokens":2,"outputTokens":9,"cacheWriteInputTokens":4993}}"#.utf8),
            .converse, .json, model: "openai.gpt-5.6")
        #expect(whole.usage == reading.usage)
    }

    @Test func thinkingTokensThatWereAskedForAreCounted() {
        let stop = (
            "messageStop",
            #"{"stopReason":"end_turn","additionalModelResponseFields":{"usage":{"output_tokens_details":{"thinking_tokens":3}}}}"#
        )
        let end = ("metadata", #"{"usage":{"inputTokens":1,"outputTokens":9}}"#)
        #expect(metered(stream([begin, stop, end]), .converseStream).usage.reasoning == 3)
    }

    @Test(arguments: [
        ("throttlingException", "rate_limit_error"), ("serviceUnavailableException", "overloaded_error"),
        ("validationException", "invalid_request_error"), ("modelStreamErrorException", "api_error"),
    ])
    func anExceptionInsideAStreamReachesEachClient(_ type: String, _ code: String) throws {
        let bytes = stream([begin, hello, (type, #"{"message":"Too many tokens"}"#)])
        let messages = text(try translated(bytes, .bedrockConverse, .anthropicMessages))
        #expect(messages.contains("event: error") && messages.contains(code) && !messages.contains("message_stop"))
        let chat = text(try translated(bytes, .bedrockConverse, .openAIChat))
        #expect(chat.contains(#"data: {"error":"#) && chat.contains("Too many tokens") && !chat.contains("[DONE]"))
        let reading = metered(bytes, .converseStream)
        #expect(reading.errorEvent?.type == type && reading.errorEvent?.message == "Too many tokens" && !reading.isComplete)
    }

    @Test func aDamagedStreamIsAFailureAndNoAnswer() throws {
        var bytes = stream([begin, hello, stop, ("metadata", "{}")])
        bytes[bytes.count / 2] ^= 1
        #expect(text(try translated(bytes, .bedrockConverse, .openAIChat)).contains("the provider's event stream is damaged"))
        #expect(metered(bytes, .converseStream).errorEvent?.type == "event_stream_damaged")
    }

    @Test func aStreamThatEndsBeforeItsUsageIsCutShort() throws {
        let bytes = stream([begin, hello])
        #expect(!text(try translated(bytes, .bedrockConverse, .openAIChat)).contains("finish_reason\":\"stop"))
        #expect(!metered(bytes, .converseStream).isComplete)
        // With its stop reason it is whole, though its usage never came.
        #expect(text(try translated(stream([begin, hello, stop]), .bedrockConverse, .openAIChat)).contains("[DONE]"))
    }

    @Test func sealedThinkingOfAnyTextComesBackFromBytes() throws {
        for data in ["AAAA", "not base64!", "", "d2VpcjpzZWFsZWQ6", "gAAAA=="] {
            var writer = ConverseEventWriter(AnswerContext(created: 1, model: "m", id: "i"))
            for event in [CanonicalEvent.redactedThinking(data), .finish(.endTurn), .end] { writer.collect(event) }
            var reader = ConverseEventReader()
            var got = CollectedAnswer()
            writer.document().withUnsafeBytes { reader.readDocument($0) { got.take($0) } }
            #expect(got.blocks == [.redactedThinking(data)])
        }
    }

    // MARK: InvokeModel

    private static let messages = [
        #"{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":9,"output_tokens":1}}}"#,
        #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
        #"{"type":"content_block_stop","index":0}"#,
        #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":12},"future":[1.50, {}]}"#,
        #"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":12}}"#,
    ]

    private func chunks(_ events: [String]) -> [UInt8] {
        var out: [UInt8] = []
        for event in events { Array(event.utf8).withUnsafeBytes { appendChunk($0, to: &out) } }
        return out
    }

    @Test func claudesEventsLeaveTheirEnvelopeAsTheyAre() throws {
        let wanted = Self.messages.map { event in
            "event: \(event.dropFirst(9).prefix { $0 != "\"" })\ndata: \(event)\n\n"
        }.joined()
        let out = text(try translated(chunks(Self.messages), .bedrockInvoke, .anthropicMessages))
        #expect(out == wanted)
        #expect(try translated(Array(wanted.utf8), .anthropicMessages, .bedrockInvoke) == chunks(Self.messages))
    }

    @Test func claudesUsageIsReadInsideItsEnvelope() {
        let reading = metered(chunks(Self.messages), .invokeModelStream)
        #expect(reading.usage.input == 9 && reading.usage.output == 12 && reading.isComplete && reading.responseID == "msg_1")
    }

    @Test func anotherVendorsUsageIsBedrocksOwnCount() {
        let reading = metered(
            chunks([
                #"{"outputText":"Hi"}"#,
                #"{"outputText":"","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":4,"#
                    + #""cacheReadInputTokenCount":2}}"#,
            ]), .invokeModelStream)
        #expect(reading.usage.input == 3 && reading.usage.output == 4 && reading.usage.cacheRead == 2 && reading.usageSource == .provider)
    }

    @Test func failuresChangeTheirEnvelopeToo() throws {
        let exception = stream([("throttlingException", #"{"message":"slow"}"#)])
        let out = text(try translated(exception, .bedrockInvoke, .anthropicMessages))
        #expect(out == "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\"}}\n\n")
        #expect(try translated(Array(out.utf8), .anthropicMessages, .bedrockInvoke) == exception)
    }
}
