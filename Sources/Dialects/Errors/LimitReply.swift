// LimitReply: a spent budget or a full limit, said so that each agent stops at once or waits. The statuses are those that the clients
// were measured with: openai's SDK stops at 402, Anthropic's at 429 with x-should-retry: false, Codex at its own usage_limit_reached, which
// it shows in its own words with the time of the reset; where no time mends it, Codex gets a 400, whose words it shows.
// AWS's SDKs repeat every 429 and 5xx, whatever they are told, and stop at the 400 of a quota; Google's and Ollama's stop at 402.

import GatewayModel
import WireFormat

func limitReply(_ notice: LimitNotice, endpoint: Endpoint?, client: ClientKind, requestID: RequestID) -> ErrorReply {
    let dialect = endpoint?.dialect
    var headers = [("Content-Type", "application/json")]
    guard notice.kind == .soon else {
        headers.append(("x-should-retry", "false"))
        let isCodex = dialect == .openAIResponses && client == .codex
        if isCodex, let resets = notice.resets {
            return ErrorReply(status: 429, headers: headers, body: usageLimit(notice.message, resets))
        }
        let status = isCodex ? 400 : finalStatus(dialect, client)
        var words = ErrorWords(status: status, code: GatewayError.limited(notice).code, message: notice.message)
        // OpenAI's clients know a quota by its code.
        if dialect?.hasOpenAIErrors ?? true { words.code = "insufficient_quota" }
        words.openAIType = "insufficient_quota"
        words.anthropicType = "billing_error"
        if dialect?.isBedrock == true { headers += awsFields("ServiceQuotaExceededException", requestID) }
        return ErrorReply(status: status, headers: headers, body: words.body(in: dialect, requestID))
    }
    let milliseconds = max(1, notice.retryAfterMilliseconds ?? 1000)
    headers.append(("Retry-After", String((milliseconds - 1) / 1000 + 1)))
    headers.append(("retry-after-ms", String(milliseconds)))
    var words = ErrorWords(status: 429, code: GatewayError.limited(notice).code, message: notice.message)
    if dialect?.hasOpenAIErrors ?? true { words.code = "rate_limit_exceeded" }
    words.openAIType = "rate_limit_exceeded"
    words.anthropicType = "rate_limit_error"
    words.retryAfterMilliseconds = milliseconds
    if dialect?.isBedrock == true {
        headers += awsFields("ThrottlingException", requestID)
        headers.append(("x-amz-retry-after", String(milliseconds)))
    }
    return ErrorReply(status: 429, headers: headers, body: words.body(in: dialect, requestID))
}

/// The status at which a client asks no more.
private func finalStatus(_ dialect: Dialect?, _ client: ClientKind) -> Int {
    switch dialect {
    // OpenCode 1 repeats every 429, whatever it is told.
    case .anthropicMessages: client == .openCode ? 402 : 429
    case .bedrockConverse, .bedrockInvoke: 400
    default: 402
    }
}

private func awsFields(_ type: String, _ requestID: RequestID) -> [(String, String)] {
    [("x-amzn-errortype", type), ("x-amzn-requestid", requestID.description)]
}

extension Dialect {
    fileprivate var hasOpenAIErrors: Bool {
        switch self {
        case .openAIChat, .openAICompletions, .openAIEmbeddings, .openAIResponses: true
        case .anthropicMessages, .gemini, .ollama, .bedrockConverse, .bedrockInvoke: false
        }
    }
}

/// Codex shows when a limit begins anew, and asks no more.
private func usageLimit(_ message: String, _ resets: Timestamp) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.beginObject("error")
    writer.field("type", "usage_limit_reached")
    writer.field("message", message)
    writer.field("resets_at", resets.seconds)
    writer.endObject()
    writer.endObject()
    return writer.bytes
}
