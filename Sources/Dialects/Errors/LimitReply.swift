// LimitReply: a spent budget or a full limit, said so that each agent stops at once or waits. The statuses are those that the clients
// were measured with: openai's SDK stops at 402, Anthropic's at 429 with x-should-retry: false, Codex at its own usage_limit_reached.

import GatewayModel
import WireFormat

func limitReply(_ notice: LimitNotice, endpoint: Endpoint?, client: ClientKind, requestID: RequestID) -> ErrorReply {
    let isAnthropic = endpoint?.dialect.isAnthropic == true
    let isCodex = endpoint?.dialect == .openAIResponses && client == .codex
    var headers = [("Content-Type", "application/json")]
    guard notice.kind == .soon else {
        headers.append(("x-should-retry", "false"))
        if isAnthropic {
            // OpenCode 1 repeats every 429, whatever it is told.
            return ErrorReply(
                status: client == .openCode ? 402 : 429, headers: headers, body: anthropic("billing_error", notice, requestID))
        }
        if isCodex { return ErrorReply(status: 429, headers: headers, body: codex(notice)) }
        return ErrorReply(status: 402, headers: headers, body: openAI("insufficient_quota", "insufficient_quota", notice))
    }
    let milliseconds = max(1, notice.retryAfterMilliseconds ?? 1000)
    headers.append(("Retry-After", String((milliseconds - 1) / 1000 + 1)))
    headers.append(("retry-after-ms", String(milliseconds)))
    let body =
        isAnthropic
        ? anthropic("rate_limit_error", notice, requestID) : openAI("rate_limit_exceeded", "rate_limit_exceeded", notice)
    return ErrorReply(status: 429, headers: headers, body: body)
}

private func openAI(_ type: String, _ code: String, _ notice: LimitNotice) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.beginObject("error")
    writer.field("message", notice.message)
    writer.field("type", type)
    writer.rawField("param", "null".utf8)
    writer.field("code", code)
    writer.endObject()
    writer.endObject()
    return writer.bytes
}

private func anthropic(_ type: String, _ notice: LimitNotice, _ requestID: RequestID) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("type", "error")
    writer.beginObject("error")
    writer.field("type", type)
    writer.field("message", notice.message)
    writer.endObject()
    writer.field("request_id", requestID.description)
    writer.endObject()
    return writer.bytes
}

/// Codex shows when a limit begins anew, and asks no more.
private func codex(_ notice: LimitNotice) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.beginObject("error")
    writer.field("type", "usage_limit_reached")
    writer.field("message", notice.message)
    if let resets = notice.resets { writer.field("resets_at", resets.seconds) }
    writer.endObject()
    writer.endObject()
    return writer.bytes
}
