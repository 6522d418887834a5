// GenAIRecords: spans and events by OpenTelemetry's conventions for generative AI (`gen_ai.*`, semantic-conventions 1.41 and the
// names that came before), whoever made them.

import GatewayModel

/// Operations that are a call of a model.
private let callOperations: Set<String> = ["chat", "text_completion", "generate_content", "embeddings"]

/// Reads a record that is no Claude Code's own.
func readGenAI(
    _ table: inout AttributeTable, time: Timestamp, place: String, duration: Int64? = nil, isFailure: Bool = false
) -> ExtractedRecord {
    guard let operation = table.text("gen_ai.operation.name") else { return .nothing }
    let failed = isFailure || table.has("error.type")
    if operation == "execute_tool" {
        var tool = ClientTool()
        tool.callID = table.id("gen_ai.tool.call.id") ?? ""
        tool.name = table.name("gen_ai.tool.name")
        tool.session = table.id("gen_ai.conversation.id", "session.id")
        tool.time = time
        tool.success = !failed
        tool.durationMilliseconds = duration
        return finish(tool, &table, place)
    }
    guard callOperations.contains(operation) else { return .nothing }
    var call = ClientCall()
    // A header's id where there is one; else the response's own, by which a turn is found too.
    call.requestID =
        table.id("request_id", "http.response.header.request-id", "http.response.header.x-request-id", "gen_ai.response.id") ?? ""
    call.session = table.id("gen_ai.conversation.id", "session.id")
    call.agent = table.name("gen_ai.agent.name")
    call.model = table.name("gen_ai.request.model", "gen_ai.response.model")
    call.time = time
    call.success = !failed
    call.status = table.count("http.response.status_code")
    call.durationMilliseconds = duration
    call.input = table.count("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    call.output = table.count("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    call.cacheRead = table.count("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_tokens")
    call.cacheWrite = table.count(
        "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_write_tokens")
    call.inputIsWhole = true
    call.cost = table.dollars("gen_ai.usage.cost") ?? table.dollars("gen_ai.cost.total")
    return finish(call, &table, place)
}
