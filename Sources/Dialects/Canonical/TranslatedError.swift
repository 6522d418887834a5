// TranslatedError: a provider's refusal in the shape that the client's dialect knows. Its words stay the provider's own, since agents
// match on them.

package import GatewayModel
import WireFormat

/// The body of an error answer in the client's dialect.
package func translatedError(_ body: UnsafeRawBufferPointer, to client: Dialect, status: Int) -> [UInt8] {
    let object = JSONObjectView(body)
    // Google wraps an error into an array on some paths.
    let inner = object?["error"]?.object ?? geminiErrorObject(body)
    let message = inner?["message"]?.string ?? object?["message"]?.string ?? object?["error"]?.string ?? plainText(body)
    let type = inner?["type"]?.string ?? inner?["status"]?.string
    let code = inner?["code"]?.string
    if client.isBedrock { return messageBody(message) }
    var json = JSONWriter(capacity: 256)
    json.beginObject()
    if client == .gemini {
        json.beginObject("error")
        json.field("code", status)
        json.field("message", message)
        json.field("status", geminiStatus(ofHTTP: status))
        json.endObject()
    } else if client == .ollama {
        json.field("error", message)
    } else if client.isAnthropic {
        json.field("type", "error")
        json.beginObject("error")
        json.field("type", anthropicErrorType(status, code))
        json.field("message", message)
        json.endObject()
        if let id = object?["request_id"]?.string { json.field("request_id", id) }
    } else {
        json.beginObject("error")
        json.field("message", message)
        json.field("type", type ?? "api_error")
        if let parameter = inner?["param"]?.string { json.field("param", parameter) } else { json.rawField("param", "null".utf8) }
        json.field("code", code ?? type ?? "upstream_error")
        json.endObject()
    }
    json.endObject()
    return json.bytes
}

/// Anthropic's word for a status (protocols.md, section 3.5); what clients act on.
private func anthropicErrorType(_ status: Int, _ code: String?) -> String {
    if code == "insufficient_quota" { return "billing_error" }
    return switch status {
    case 400, 422: "invalid_request_error"
    case 401: "authentication_error"
    case 402: "billing_error"
    case 403: "permission_error"
    case 404: "not_found_error"
    case 413: "request_too_large"
    case 429: "rate_limit_error"
    case 503, 529: "overloaded_error"
    case 504: "timeout_error"
    default: "api_error"
    }
}

private func plainText(_ body: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: body.prefix(500), as: UTF8.self)
    return text.isEmpty ? "the provider refused the request" : text
}

/// AWS's word for a status, which its SDKs take from the field `x-amzn-errortype` (protocols.md, section 4.5).
package func awsErrorType(_ status: Int) -> String {
    switch status {
    case 401, 402, 403: "AccessDeniedException"
    case 404: "ResourceNotFoundException"
    case 408, 504: "ModelTimeoutException"
    case 424: "ModelErrorException"
    case 429: "ThrottlingException"
    case 503, 529: "ServiceUnavailableException"
    case 400..<500: "ValidationException"
    default: "InternalServerException"
    }
}
