// Usage objects into token classes, where providers' numbers are odd: huge, negative, fractional, or not adding up.

import Dialects
import FuzzOracles
import GatewayModel
import Testing

@Suite struct UsageReaderTests {
    private func chat(_ usage: String) -> MeterReading {
        document(.chatCompletions, #"{"id":"c","choices":[],"usage":\#(usage)}"#)
    }
    private func responses(_ usage: String) -> MeterReading { document(.responses, #"{"id":"r","usage":\#(usage)}"#) }
    private func messages(_ usage: String) -> MeterReading { document(.messages, #"{"id":"m","usage":\#(usage)}"#) }

    private func document(_ endpoint: Endpoint, _ text: String) -> MeterReading {
        meter([Array(text.utf8)], endpoint: endpoint, body: .json, withholds: false).reading
    }

    @Test func cachedTokensComeOffThePrompt() {
        let reading = chat(
            #"""
            {"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":30,
            "cache_write_tokens":25},"completion_tokens_details":{"reasoning_tokens":8}}
            """#
        )
        #expect(
            reading.usage.classes == [
                "input": 45, "cache_read": 30, "cache_write_30m": 25, "output": 20, "reasoning": 8,
            ])
        #expect(!reading.inconsistent)
    }

    @Test func reasoningBesideTheCompletionIsBilled() {
        // Once xAI's reasoning was cut to the completion, and what it thought was not billed.
        let whole =
            #"{"prompt_tokens":10120,"completion_tokens":1499,"total_tokens":14428,"#
            + #""prompt_tokens_details":{"cached_tokens":128},"completion_tokens_details":{"reasoning_tokens":2809}}"#
        let reading = chat(whole)
        #expect(reading.usage.classes == ["input": 9992, "cache_read": 128, "output": 4308, "reasoning": 2809])
        #expect(!reading.inconsistent)
        // It is added to each usage by itself, however many a stream has, and whatever the order of its members.
        let first = #"{"completion_tokens_details":{"reasoning_tokens":70},"total_tokens":190,"completion_tokens":0,"prompt_tokens":120}"#
        let stream = [first, whole, whole].map { #"data: {"id":"c","choices":[{"index":0,"delta":{}}],"usage":\#($0)}"# + "\n\n" }
        for count in 1...3 {
            let read = meter([Array(stream.prefix(count).joined().utf8)], endpoint: .chatCompletions, body: .sse, withholds: false).reading
            #expect(read.usage.output == (count == 1 ? 70 : 4308) && read.usage.reasoning == (count == 1 ? 70 : 2809))
        }
        let other = responses(#"{"input_tokens":10,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":35}"#)
        #expect(other.usage.classes == ["input": 10, "output": 25, "reasoning": 20])
    }

    @Test(arguments: [#""total_tokens":400,"#, "", #""total_tokens":0,"#, #""total_tokens":450,"#, #""total_tokens":9223372036854775807,"#])
    func reasoningWithinTheCompletionIsNotAdded(_ total: String) {
        let details = #""completion_tokens_details":{"reasoning_tokens":200}"#
        #expect(
            chat(#"{"prompt_tokens":100,\#(total)"completion_tokens":300,\#(details)}"#).usage.classes
                == ["input": 100, "output": 300, "reasoning": 200])
    }

    @Test(arguments: [("gemini-2.5-flash", 1), ("gemini-2.0-flash", 1), ("gemini-3.5-flash", 3)])
    func groundingIsCountedOnceTheModelIsKnown(_ model: String, _ searches: Int) {
        // Once the model was asked for before it was read: Google names it behind the candidates.
        let grounded =
            #"{"candidates":[{"content":{"parts":[{"text":"A"}]},"groundingMetadata":{"webSearchQueries":["a","b","c"]}}],"#
            + #""usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3}"#
        let named =
            #"{"candidates":[{"content":{"parts":[{"text":"B"}]},"finishReason":"STOP"}],"modelVersion":"\#(model)","#
            + #""usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":4}}"#
        let whole = document(.generateContent, grounded + #","modelVersion":"\#(model)","responseId":"r4"}"#)
        #expect(whole.usage.webSearches == Int64(searches))
        for chunks in [[grounded + "}", named], [grounded + #","modelVersion":"\#(model)"}"#, named]] {
            let events = chunks.map { "data: \($0)\n\n" }.joined()
            let array = "[" + chunks.joined(separator: ",") + "]"
            for (text, kind) in [(events, ResponseBodyKind.sse), (array, .objects), (array, .json)] {
                let read = meter([Array(text.utf8)], endpoint: .streamGenerateContent, body: kind, withholds: false).reading
                #expect(read.usage.classes == ["input": 10, "output": 4, "web_searches": Int64(searches)])
            }
        }
    }

    @Test func moreCacheThanPromptClampsAndIsMarked() {
        let reading = chat(#"{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":30}}"#)
        #expect(reading.usage.classes == ["cache_read": 30, "output": 1])
        #expect(reading.inconsistent)
        #expect(
            responses(#"{"input_tokens":1,"input_tokens_details":{"cached_tokens":1,"cache_write_tokens":1}}"#)
                .inconsistent)
    }

    @Test(arguments: ["-1", "-9223372036854775808", "-9223372036854775809", "-1e300"])
    func aNegativeCountIsZeroAndMarked(_ count: String) {
        for reading in [
            chat(#"{"prompt_tokens":\#(count),"completion_tokens":2}"#),
            responses(#"{"input_tokens":\#(count),"output_tokens":2}"#),
            messages(#"{"input_tokens":\#(count),"output_tokens":2}"#),
        ] {
            #expect(reading.usage.classes == ["output": 2])
            #expect(reading.inconsistent)
        }
    }

    @Test(arguments: ["9223372036854775807", "9223372036854775808", "99999999999999999999999999", "1e999", "1e30"])
    func aHugeCountIsHeldAndMarked(_ count: String) {
        for reading in [
            chat(#"{"prompt_tokens":\#(count),"completion_tokens":\#(count)}"#),
            responses(#"{"input_tokens":\#(count),"output_tokens":\#(count)}"#),
            messages(#"{"input_tokens":\#(count),"output_tokens":\#(count)}"#),
        ] {
            #expect(reading.usage.classes == ["input": 1_000_000_000, "output": 1_000_000_000])
            #expect(reading.inconsistent)
        }
    }

    @Test func everyClassHoldsHugeAndNegativeNumbers() {
        let extremes = [
            "9223372036854775807", "-9223372036854775808", "1e999", "-1e999", "0", "null", "\"7\"", "[]", "{}", "true",
            "1.5",
        ]
        for one in extremes {
            for other in extremes {
                let chat = chat(
                    #"""
                    {"prompt_tokens":\#(one),"completion_tokens":\#(other),"total_tokens":\#(one),
                    "prompt_tokens_details":{"cached_tokens":\#(one),
                    "cache_write_tokens":\#(other),"audio_tokens":\#(one),"image_tokens":\#(other)},
                    "completion_tokens_details":{"reasoning_tokens":\#(one),"audio_tokens":\#(other)}}
                    """#
                )
                let responses = responses(
                    #"""
                    {"input_tokens":\#(one),"output_tokens":\#(other),"total_tokens":\#(other),
                    "input_tokens_details":{"cached_tokens":\#(one),
                    "cache_write_tokens":\#(one),"cache_write_tokens_details":{"ttl_12h_tokens":\#(other)}},
                    "output_tokens_details":{"reasoning_tokens":\#(one)}}
                    """#
                )
                let messages = messages(
                    #"""
                    {"input_tokens":\#(one),"output_tokens":\#(other),"cache_creation_input_tokens":\#(one),
                    "cache_creation":{"ephemeral_5m_input_tokens":\#(one),"ephemeral_1h_input_tokens":\#(other)},
                    "cache_read_input_tokens":\#(other),"output_tokens_details":{"thinking_tokens":\#(one)},
                    "server_tool_use":{"web_search_requests":\#(one),"web_fetch_requests":\#(other)},
                    "iterations":[{"type":"compaction","input_tokens":\#(one),"output_tokens":\#(other)}]}
                    """#
                )
                for reading in [chat, responses, messages] {
                    #expect(
                        reading.usage.classes.values.allSatisfy { $0 > 0 && $0 <= 20_000_000_000_000 },
                        "\(one) \(other)")
                    #expect(reading.usage.reasoning <= reading.usage.output)
                }
            }
        }
    }

    @Test func numbersInOtherFormsAreNumbers() {
        #expect(
            chat(#"{"prompt_tokens":12.0,"completion_tokens":1e3}"#).usage.classes == ["input": 12, "output": 1000])
        #expect(chat(#"{"prompt_tokens":12.5}"#).usage.classes == ["input": 13])
        #expect(!chat(#"{"prompt_tokens":12.5}"#).inconsistent)
    }

    @Test func aNameWrittenWithEscapesIsRead() {
        #expect(chat(#"{"prompt\u005ftokens":12}"#).usage.classes == ["input": 12])
    }

    @Test func anAnthropicSplitMayLackItsSumOrAPart() {
        #expect(
            messages(#"{"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":6}}"#).usage.classes
                == ["cache_write_5m": 5, "cache_write_1h": 6])
        let half = messages(#"{"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":5}}"#)
        #expect(half.usage.classes == ["cache_write_1h": 5])
        #expect(!half.inconsistent)
        let wrong = messages(
            #"{"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":6}}"#
        )
        #expect(wrong.usage.classes == ["cache_write_5m": 50])
        #expect(wrong.inconsistent)
        #expect(
            messages(#"{"cache_creation_input_tokens":50,"cache_creation":null}"#).usage.classes == [
                "cache_write_5m": 50
            ])
    }

    @Test func compactionIsAddedOnceHoweverOftenItIsSaid() {
        let start =
            #"event: message_start"# + "\n"
            + #"data: {"type":"message_start","message":{"id":"m","usage":{"input_tokens":100,"output_tokens":1}}}"#
            + "\n\n"
        let delta =
            "event: message_delta\n"
            + #"data: {"type":"message_delta","delta":{},"usage":{"output_tokens":7,"iterations":"#
            + #"[{"type":"message","input_tokens":100},{"type":"compaction","input_tokens":50,"output_tokens":3}]}}"#
            + "\n\n"
        for count in 1...3 {
            let text = start + String(repeating: delta, count: count)
            let reading = meter([Array(text.utf8)], endpoint: .messages, body: .sse, withholds: false).reading
            #expect(reading.usage.classes == ["input": 150, "output": 10])
        }
    }

    @Test func laterUsageOverwritesEarlier() {
        let text = [3, 5, 9].map {
            #"data: {"id":"c","choices":[{"delta":{}}],"usage":{"prompt_tokens":2,"completion_tokens":\#($0)}}"#
                + "\n\n"
        }.joined()
        #expect(
            meter([Array(text.utf8)], endpoint: .chatCompletions, body: .sse, withholds: false).reading.usage.classes
                == ["input": 2, "output": 9])
    }

    @Test func aContentThatEqualsAMembersNameHidesNothing() {
        // Once a delta whose text was exactly `usage` hid the usage of its own chunk.
        let text =
            #"data: {"id":"c","choices":[{"delta":{"content":"usage"}}],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#
            + "\n\n"
            + #"data: {"id":"c","choices":[{"delta":{"content":"usage"}}],"usage":{"prompt_tokens":2,"completion_tokens":4}}"#
            + "\n\n"
        #expect(
            meter([Array(text.utf8)], endpoint: .chatCompletions, body: .sse, withholds: true).reading.usage.output == 4
        )
    }

    @Test func theSecondChoicesFinishReasonIsSeen() {
        let first = #"data: {"id":"c","choices":[{"index":0,"delta":{}}]}"# + "\n\n"
        let text =
            first
            + #"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":null},{"index":1,"delta":{},"finish_reason":"stop"}]}"#
            + "\n\n"
        #expect(
            meter([Array(text.utf8)], endpoint: .chatCompletions, body: .sse, withholds: false).reading.finishReason
                == "stop")
    }

    @Test func anErrorInAnArrayIsRead() {
        let text = #"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]"#
        #expect(document(.chatCompletions, text).errorEvent?.message == "slow down")
        let event = meter([Array("data: \(text)\n\n".utf8)], endpoint: .chatCompletions, body: .sse, withholds: true)
        #expect(event.reading.errorEvent?.message == "slow down")
        #expect(!event.kept.isEmpty)
    }

    @Test func garbageNeverTraps() {
        var random = Seeded(5)
        for _ in 0..<3000 {
            let bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            for endpoint in [Endpoint.chatCompletions, .responses, .messages] {
                for kind in [ResponseBodyKind.sse, .json, .other] {
                    let kept = meter([bytes], endpoint: endpoint, body: kind, withholds: true).kept
                    #expect(kept == bytes)
                }
            }
        }
    }

    @Test func aCompressedBodyIsOnlyCounted() {
        let result = meter([[1, 2, 3], [4]], endpoint: .chatCompletions, body: .other, withholds: true)
        #expect(result.reading.contentBytes == 4)
        #expect(result.reading.usageSource == .none)
        #expect(result.kept == [1, 2, 3, 4])
    }
}
