// ClaudeCodeRecords: the events and spans of Claude Code (as 2.1.330 sends them) that speak of calls and tools:
// `claude_code.api_request`, `api_error`, `tool_result`, and the spans `llm_request`, `tool`, `tool.execution`.

import GatewayModel

private let prefix = "claude_code."

/// One log record of any client.
func readLog(_ log: TelemetryLog, index: Int) -> ExtractedRecord {
    var table = AttributeTable(log.attributes)
    var event = log.eventName
    if event.isEmpty, case .string(let text) = log.body { event = text }
    let time = instant(log.timeNanoseconds > 0 ? log.timeNanoseconds : log.observedNanoseconds)
    let place = madeUpID(String(time.nanoseconds), table.text("event.sequence") ?? String(table.count("event.sequence") ?? Int64(index)))
    guard event.hasPrefix(prefix) else { return readGenAI(&table, time: time, place: place) }
    switch event.dropFirst(prefix.count) {
    case "api_request", "api_error":
        var call = claudeCall(&table, time)
        call.success = event == "\(prefix)api_request"
        return finish(call, &table, place)
    case "tool_result":
        var tool = claudeTool(&table, time)
        tool.name = table.name("tool_name")
        tool.success = table.flag("success")
        tool.durationMilliseconds = table.count("duration_ms")
        return finish(tool, &table, place)
    default: return .nothing
    }
}

/// One span of any client.
func readSpan(_ span: TelemetrySpan) -> ExtractedRecord {
    var table = AttributeTable(span.attributes)
    let time = instant(span.endNanoseconds)
    let place = madeUpID(hexText(span.traceID), hexText(span.spanID))
    guard span.name.hasPrefix(prefix) else {
        let (duration, overflow) = span.endNanoseconds.subtractingReportingOverflow(span.startNanoseconds)
        return readGenAI(
            &table, time: time, place: place, duration: overflow ? nil : Int64(duration / 1_000_000),
            isFailure: span.statusCode == 2)
    }
    switch span.name.dropFirst(prefix.count) {
    case "llm_request":
        var call = claudeCall(&table, time)
        call.success = table.flag("success")
        // A span covers every attempt and the waits between; the log record is of the last alone.
        if call.attempt ?? 1 > 1 { call.durationMilliseconds = nil }
        return finish(call, &table, place)
    case "tool":
        var tool = claudeTool(&table, time)
        // Its duration counts the wait for the developer's consent too: the execution's is the tool's own.
        tool.name = table.name("tool_name", "gen_ai.tool.name")
        return finish(tool, &table, place)
    case "tool.execution":
        var tool = claudeTool(&table, time)
        tool.success = table.flag("success")
        tool.durationMilliseconds = table.count("duration_ms")
        return finish(tool, &table, place)
    default: return .nothing
    }
}

private func claudeCall(_ table: inout AttributeTable, _ time: Timestamp) -> ClientCall {
    var call = ClientCall()
    call.requestID = table.id("request_id") ?? ""
    call.session = table.id("session.id")
    call.prompt = table.id("prompt.id")
    call.agent = table.name("agent.name")
    call.subAgent = table.id("agent_id")
    call.model = table.name("model", "gen_ai.request.model")
    call.time = time
    call.status = table.count("status_code", "http.response.status_code")
    call.attempt = table.count("attempt")
    call.durationMilliseconds = table.count("duration_ms")
    call.firstTokenMilliseconds = table.count("ttft_ms")
    call.input = table.count("input_tokens")
    call.output = table.count("output_tokens")
    call.cacheRead = table.count("cache_read_tokens")
    call.cacheWrite = table.count("cache_creation_tokens")
    call.cost = table.dollars("cost_usd")
    return call
}

private func claudeTool(_ table: inout AttributeTable, _ time: Timestamp) -> ClientTool {
    var tool = ClientTool()
    tool.callID = table.id("tool_use_id", "gen_ai.tool.call.id") ?? ""
    tool.session = table.id("session.id")
    tool.prompt = table.id("prompt.id")
    tool.subAgent = table.id("agent_id")
    tool.requestID = table.id("request_id")
    tool.time = time
    return tool
}

func finish(_ call: ClientCall, _ table: inout AttributeTable, _ place: String) -> ExtractedRecord {
    if table.hasBadID { return .unusable("an id is longer than 200 bytes or holds a space or a control character") }
    var call = call
    if call.requestID.isEmpty { call.requestID = place }
    return .call(call)
}

func finish(_ tool: ClientTool, _ table: inout AttributeTable, _ place: String) -> ExtractedRecord {
    if table.hasBadID { return .unusable("an id is longer than 200 bytes or holds a space or a control character") }
    var tool = tool
    if tool.callID.isEmpty { tool.callID = place }
    return .tool(tool)
}
