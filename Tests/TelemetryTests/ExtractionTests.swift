// What is kept of an export: a client's calls and tools with their figures, and never a word of a prompt, an answer or a tool.

import Foundation
import GatewayModel
import Telemetry
import Testing

/// What Claude Code 2.1.330 sent with every setting on that lets texts out.
private func recorded(_ signal: TelemetrySignal) throws -> (body: [UInt8], reports: ExtractedReports) {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/telemetry/claude_code.\(signal.rawValue).json").standardized
    let body = Array(try Data(contentsOf: file))
    let export = try body.withUnsafeBytes { try decodeTelemetry(signal, .json, $0) }
    return (body, ExtractedReports(export))
}

private func attributes(_ pairs: [String: TelemetryValue]) -> [TelemetryAttribute] {
    pairs.sorted { $0.key < $1.key }.map { TelemetryAttribute($0.key, $0.value) }
}

private func span(_ name: String, _ pairs: [String: TelemetryValue], statusCode: Int32 = 0) -> ExtractedReports {
    var span = TelemetrySpan()
    span.name = name
    span.traceID = [1, 2]
    span.spanID = [3]
    span.startNanoseconds = 5_000_000
    span.endNanoseconds = 48_000_000
    span.statusCode = statusCode
    span.attributes = attributes(pairs)
    var group = TelemetryGroup<TelemetrySpan>()
    group.resource = attributes(["service.name": .string("shop-bot"), "service.version": .string("7")])
    group.items = [span]
    return ExtractedReports(.traces([group]))
}

@Suite struct ExtractionTests {
    @Test func claudeCodesCallsAreReadFromItsLogs() throws {
        let reports = try recorded(.logs).reports
        #expect(Set(reports.sayings.map(\.client.name)) == ["claude-code"])
        #expect(Set(reports.sayings.map(\.client.version)) == ["2.1.330"])
        let calls = reports.sayings.flatMap(\.calls)
        #expect(calls.map(\.requestID) == (1...5).map { "req_sim00000000000\($0)" })
        #expect(calls.map(\.cost?.value) == [87_943_500, 52_194_750, 12_975_600, 20_490_150, 20_551_050])
        let first = try #require(calls.first)
        #expect(first.session == "76695c4c-0890-44ae-85c1-36d98eaff614" && first.prompt != nil && first.success == true)
        #expect((first.input, first.output, first.cacheRead, first.cacheWrite) == (12, 78, 0, 23130))
        #expect(first.model == "claude-sonnet-4-5" && first.durationMilliseconds != nil && first.firstTokenMilliseconds != nil)
        #expect(calls.map(\.subAgent) == [nil, "af867fb3adccc9326", "af867fb3adccc9326", nil, nil])
        #expect(calls[1].agent == "general-purpose" && !first.inputIsWhole)
        let tools = reports.sayings.flatMap(\.tools)
        #expect(tools.map(\.name) == ["Bash", "Agent", "Bash"] && tools.allSatisfy { $0.success == true })
        #expect(tools.map(\.requestID) == ["req_sim000000000002", "req_sim000000000001", "req_sim000000000004"])
        #expect(reports.rejected == 0)
    }

    @Test func itsSpansSpeakOfTheSameCallsAndTools() throws {
        let logs = try recorded(.logs).reports.sayings.flatMap(\.calls)
        let reports = try recorded(.traces).reports
        let calls = reports.sayings.flatMap(\.calls)
        #expect(Set(calls.map(\.requestID)) == Set(logs.map(\.requestID)))
        for call in calls {
            let log = try #require(logs.first { $0.requestID == call.requestID })
            #expect((call.input, call.output, call.cacheRead, call.cacheWrite) == (log.input, log.output, log.cacheRead, log.cacheWrite))
            #expect(call.session == log.session && call.subAgent == log.subAgent)
        }
        let tools = Dictionary(grouping: reports.sayings.flatMap(\.tools), by: \.callID)
        #expect(tools.count == 3)
        for parts in tools.values {
            #expect(parts.compactMap(\.name).count == 1 && parts.compactMap(\.success) == [true])
        }
    }

    @Test(arguments: TelemetrySignal.allCases) func noTextOfAPromptOrAToolIsKept(_ signal: TelemetrySignal) throws {
        let (body, reports) = try recorded(signal)
        if signal != .metrics { #expect(String(decoding: body, as: UTF8.self).contains("CANARYPROMPT")) }
        let kept = String(reflecting: reports)
        for text in ["CANARYPROMPT", "echo step", "task is done", "/home/maria", "README", "look at that first"] {
            #expect(!kept.contains(text), "\(text)")
        }
    }

    @Test func aSpanByTheConventionsIsACall() throws {
        let reports = span(
            "chat gpt-5.5",
            [
                "gen_ai.operation.name": .string("chat"), "gen_ai.request.model": .string("gpt-5.5"),
                "gen_ai.response.id": .string("chatcmpl-1"), "gen_ai.usage.input_tokens": .int(120),
                "gen_ai.usage.output_tokens": .int(7), "gen_ai.usage.cache_read.input_tokens": .int(100),
                "gen_ai.conversation.id": .string("s-1"), "gen_ai.agent.name": .string("shopper"),
                "gen_ai.input.messages": .string("CANARYPROMPT"), "gen_ai.system_instructions": .string("CANARYPROMPT"),
            ])
        var call = ClientCall()
        call.requestID = "chatcmpl-1"
        call.session = "s-1"
        call.agent = "shopper"
        call.model = "gpt-5.5"
        call.time = Timestamp(nanoseconds: 48_000_000)
        call.success = true
        call.durationMilliseconds = 43
        call.input = 120
        call.output = 7
        call.cacheRead = 100
        call.inputIsWhole = true
        #expect(reports.sayings.map(\.client.name) == ["shop-bot"])
        #expect(reports.sayings.flatMap(\.calls) == [call])
    }

    @Test func aToolSpanThatFailedIsAFailure() {
        let reports = span(
            "execute_tool search",
            [
                "gen_ai.operation.name": .string("execute_tool"), "gen_ai.tool.name": .string("search"),
                "gen_ai.tool.call.id": .string("call_1"), "gen_ai.tool.call.arguments": .string("CANARYPROMPT"),
                "error.type": .string("CANARYPROMPT"),
            ], statusCode: 2)
        let tool = reports.sayings.first?.tools.first
        #expect(tool?.callID == "call_1" && tool?.name == "search" && tool?.success == false && tool?.durationMilliseconds == 43)
        #expect(!String(reflecting: reports).contains("CANARYPROMPT"))
    }

    @Test func aCallWithoutAnIDGetsOneThatIsTheSameNextTime() {
        let pairs: [String: TelemetryValue] = ["gen_ai.operation.name": .string("chat")]
        #expect(span("chat", pairs).sayings.first?.calls.first?.requestID == "~0102.03")
        #expect(span("chat", pairs) == span("chat", pairs))
    }

    @Test(arguments: ["a prompt is no id", String(repeating: "x", count: 201), "tab\there", "é"])
    func anIDThatIsNoneIsRejected(_ id: String) {
        let reports = span("chat", ["gen_ai.operation.name": .string("chat"), "gen_ai.response.id": .string(id)])
        #expect(reports.sayings.isEmpty && reports.rejected == 1 && !reports.reason.isEmpty)
    }

    @Test func countsThatCannotBeAreNotKept() {
        let reports = span(
            "claude_code.llm_request",
            [
                "request_id": .string("r"), "input_tokens": .int(-5), "output_tokens": .string("12"),
                "cache_read_tokens": .double(.infinity), "cache_creation_tokens": .int(.max), "cost_usd": .double(-1),
                "duration_ms": .double(12.7),
            ])
        let call = reports.sayings.first?.calls.first
        #expect(call?.input == nil && call?.output == 12 && call?.cacheRead == nil && call?.cacheWrite == nil)
        #expect(call?.cost == nil && call?.durationMilliseconds == 12)
    }

    @Test func spansOfOtherThingsAreNothing() {
        #expect(span("GET /", ["http.request.method": .string("GET")]).sayings.isEmpty)
        #expect(span("invoke_agent", ["gen_ai.operation.name": .string("invoke_agent")]).sayings.isEmpty)
    }
}
