// ErrorReply: each refusal in the caller's own dialect. One table says status, type, retry advice and words; the clients'
// measured retry rules decide the statuses, so that an agent stops at once or waits as it should.

package import GatewayModel
import WireFormat

/// A whole answer to a refused request.
package struct ErrorReply: Sendable {
    package var status: Int
    package var headers: [(String, String)]
    package var body: [UInt8]
}

/// How a refusal goes out: `finality` decides `x-should-retry`, which the SDKs, Claude Code and OpenCode obey.
private struct Shape {
    var status: Int
    var openAIType: String
    var anthropicType: String
    var message: String
    var retryAfterSeconds: Int?
    var allow: String?

    init(
        _ status: Int, _ openAIType: String, _ anthropicType: String, _ message: String, retryAfterSeconds: Int? = nil,
        allow: String? = nil
    ) {
        self.status = status
        self.openAIType = openAIType
        self.anthropicType = anthropicType
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }
}

/// The reply to a refusal. `endpoint` is nil when the path is unknown; then the shape is OpenAI's.
package func errorReply(
    _ error: GatewayError, endpoint: Endpoint?, client: ClientKind, requestID: RequestID
) -> ErrorReply {
    if case .limited(let notice) = error { return limitReply(notice, endpoint: endpoint, client: client, requestID: requestID) }
    var shape = describe(error)
    let isResponses = endpoint?.dialect == .openAIResponses
    // Codex retries 403, 404 and 413 five times but prints the body of a 400 after one request.
    if isResponses, client == .codex, [403, 404, 413].contains(shape.status) { shape.status = 400 }
    // A 404 makes Claude Code replace the message by its own, and a 400 makes it ask six times, with features dropped;
    // a 410 it shows as it is after one request (measured with 2.1.330).
    if endpoint?.dialect.isAnthropic == true, shape.status == 404 { shape.status = client == .claudeCode ? 410 : 400 }
    // OpenCode 1 knows no x-should-retry and counts no tries: it repeats every 5xx, and for providers called openai… every
    // 404. What no waiting mends must be a 400 to it.
    if client == .openCode, shape.retryAfterSeconds == nil, shape.status == 404 || shape.status >= 500 {
        shape.status = 400
    }
    let isBedrock = endpoint?.dialect.isBedrock == true
    // AWS SDKs know no x-should-retry either; and Bedrock says that a caller is unknown, or may not, by 403.
    if isBedrock {
        if shape.status == 401 || shape.status == 402 { shape.status = 403 }
        if shape.retryAfterSeconds == nil, shape.status >= 500 { shape.status = 400 }
    }

    var headers = [("Content-Type", "application/json")]
    if isBedrock {
        headers.append(("x-amzn-errortype", awsErrorType(shape.status)))
        headers.append(("x-amzn-requestid", requestID.description))
    }
    if let seconds = shape.retryAfterSeconds {
        headers.append(("Retry-After", String(seconds)))
        // In milliseconds, and the only field by which AWS's SDKs wait.
        if isBedrock { headers.append(("x-amz-retry-after", String(seconds * 1000))) }
    } else {
        headers.append(("x-should-retry", "false"))
    }
    if let allow = shape.allow { headers.append(("Allow", allow)) }
    if case .webSocketNotSupported = error { headers.append(("Upgrade", "HTTP/1.1")) }
    var words = ErrorWords(status: shape.status, code: error.code, message: shape.message, parameter: error.parameter)
    (words.openAIType, words.anthropicType) = (shape.openAIType, shape.anthropicType)
    let body = words.body(in: endpoint?.dialect, requestID)
    return ErrorReply(status: shape.status, headers: headers, body: body)
}

extension GatewayError {
    /// The member of the request that is at fault, where it is one.
    fileprivate var parameter: String? {
        switch self {
        case .cannotTranslate(let parameter, _, _, _), .unboundedUnderBudget(let parameter, _, _): parameter
        default: nil
        }
    }
}

/// A client's own words, short and harmless enough to stand in a message.
private func quoted(_ text: String, max: Int = 60) -> String {
    "\"\(clean(text, max: max))\(text.unicodeScalars.count > max ? "…" : "")\""
}

private func clean(_ text: String, max: Int) -> String {
    String(text.unicodeScalars.prefix(max).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
}

private func describe(_ error: GatewayError) -> Shape {
    switch error {
    case .missingKey, .malformedKey, .invalidKey, .invalidSignature, .conflictingKeys, .revokedKey, .expiredKey, .keyNotYetValid:
        return describeKey(error)
    case .addressNotAllowed, .endpointNotAllowed, .modelNotAllowed, .repositoryNotAllowed, .missingLabel, .unpricedUnderBudget:
        return describePolicy(error)
    case .upstreamConnectFailed, .upstreamTimedOut, .upstreamClosed, .upstreamMalformed, .upstreamAddressForbidden,
        .upstreamBusy:
        return describeUpstream(error)
    case .journalUnavailable, .limitCountersFull, .shuttingDown, .tooManyConnections, .noProvider, .originBusy, .originFailed,
        .originTimedOut:
        return describeService(error)
    default: return describeRequest(error)
    }
}

private func describeKey(_ error: GatewayError) -> Shape {
    let text =
        switch error {
        case .missingKey: "No virtual key was sent. Put it into Authorization: Bearer, or x-api-key."
        case .malformedKey: "This is not a Weir virtual key (weir_k_…). Check how the key was copied."
        case .invalidSignature(let reason): "The AWS signature is not accepted: \(clean(reason, max: 120))."
        case .conflictingKeys: "Two different keys were sent in one request. Send one."
        case .revokedKey(let id): "Virtual key \(id) is revoked. Ask your platform team for a new one."
        case .expiredKey(let id):
            "Virtual key \(id) has expired. Ask your platform team to rotate it: weir key rotate \(id)."
        case .keyNotYetValid(let id):
            "Virtual key \(id) is not valid yet. Its start is set by: weir key update \(id) --not-before."
        default: "This virtual key is unknown. Ask your platform team: weir key list."
        }
    return Shape(401, "invalid_request_error", "authentication_error", text)
}

private func describePolicy(_ error: GatewayError) -> Shape {
    let text =
        switch error {
        case .addressNotAllowed(let id, let address):
            "Virtual key \(id) may not be used from \(address). Its networks are set by: weir key update \(id) --network."
        case .endpointNotAllowed(let id, let endpoint):
            "Virtual key \(id) may not call \(endpoint). Its endpoints are set by: weir key update \(id) --endpoint."
        case .modelNotAllowed(let id, let model, let allowed):
            "Virtual key \(id) may not use model \(quoted(model)). It may use: \(allowed.prefix(5).joined(separator: ", "))."
        case .repositoryNotAllowed(let id, let repository, let bound):
            "Virtual key \(id) is bound to \(bound), not \(quoted(repository)). The binding is set by: weir key update \(id) --repository."
        case .missingLabel(let label):
            "This gateway requires a \(label). Send the header \(label == "repository" ? "x-weir-repo" : "x-weir-\(label)")."
        case .unpricedUnderBudget(let model, let provider, let budget):
            "Model \(quoted(model)) has no price at \(provider), so budget \(quoted(budget)) cannot bound it. "
                + "An operator can set one: prices."
        default: "This is not allowed."
        }
    return Shape(403, "invalid_request_error", "permission_error", text)
}

private func describeUpstream(_ error: GatewayError) -> Shape {
    switch error {
    case .upstreamTimedOut(let provider, let seconds):
        return Shape(
            504, "api_error", "timeout_error", "Provider \(provider) did not answer within \(seconds) s.",
            retryAfterSeconds: 2)
    case .upstreamClosed(let provider):
        return Shape(
            502, "api_error", "api_error", "Provider \(provider) closed the connection before it answered.",
            retryAfterSeconds: 1)
    case .upstreamMalformed(let provider, let reason):
        return Shape(
            502, "api_error", "api_error", "Provider \(provider) answered with malformed HTTP: \(reason).",
            retryAfterSeconds: 1)
    case .upstreamAddressForbidden(let provider, let reason):
        return Shape(
            502, "api_error", "api_error",
            "Provider \(provider) is not reachable: \(reason). An operator can set allow_private_addresses for it.")
    case .upstreamBusy(let provider):
        return Shape(
            503, "server_error", "overloaded_error", "Provider \(provider) is busy: too many calls wait for it.",
            retryAfterSeconds: 1)
    case .upstreamConnectFailed(let provider, let reason):
        return Shape(
            503, "server_error", "overloaded_error", "Provider \(provider) cannot be reached: \(reason).",
            retryAfterSeconds: 2)
    default:
        return Shape(502, "api_error", "api_error", "The provider failed.", retryAfterSeconds: 1)
    }
}

private func describeService(_ error: GatewayError) -> Shape {
    switch error {
    case .shuttingDown:
        return Shape(503, "server_error", "overloaded_error", "The gateway is restarting.", retryAfterSeconds: 1)
    case .limitCountersFull:
        return Shape(
            503, "server_error", "overloaded_error",
            "The gateway has no room for another counter of its budgets. An operator finds them by: weir limit list.", retryAfterSeconds: 5)
    case .tooManyConnections:
        return Shape(
            503, "server_error", "overloaded_error", "The gateway has too many connections.", retryAfterSeconds: 1)
    case .originBusy:
        return Shape(503, "server_error", "overloaded_error", "Too many such requests run now.", retryAfterSeconds: 1)
    case .originFailed(let id):
        return Shape(500, "server_error", "api_error", "The request failed. An operator finds why in the log, under \(id).")
    case .originTimedOut(let seconds):
        return Shape(
            504, "server_error", "timeout_error", "The gateway took longer than \(seconds) s to answer.", retryAfterSeconds: 2)
    case .noProvider:
        return Shape(
            503, "server_error", "api_error",
            "No provider is configured. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or list providers in weir.yaml.")
    default:
        return Shape(
            503, "server_error", "api_error",
            "The gateway cannot write its journal, so it takes no work. An operator should run: weir doctor.",
            retryAfterSeconds: 5)
    }
}

private func describeRequest(_ error: GatewayError) -> Shape {
    func invalid(_ status: Int, _ text: String, allow: String? = nil) -> Shape {
        Shape(status, "invalid_request_error", "invalid_request_error", text, allow: allow)
    }
    switch error {
    case .missingModel:
        return invalid(400, "The request names no model. Set \"model\"; GET /v1/models lists what you may use.")
    case .unknownModel(let model, let suggestions):
        let hint =
            suggestions.isEmpty ? "GET /v1/models lists them." : "Did you mean \(suggestions.joined(separator: ", "))?"
        return Shape(
            404, "invalid_request_error", "not_found_error", "No provider serves model \(quoted(model)). \(hint)")
    case .ambiguousModel(let model, let providers):
        let choices = providers.prefix(3).map { "\($0)/\(clean(model, max: 40))" }.joined(separator: ", ")
        return invalid(400, "Several providers serve model \(quoted(model)). Name one: \(choices).")
    case .dialectNotServed(let provider, let dialect):
        return invalid(
            400, "Provider \(provider) does not speak \(dialect.rawValue). Ask for a model of another provider.")
    case .noDeployment(let route):
        return invalid(400, "Route \(quoted(route)) has no deployment for this call. An operator sees why: weir route explain.")
    case .cannotTranslate(let parameter, let reason, let provider, let dialect):
        return invalid(
            400,
            "`\(clean(parameter, max: 40))` \(clean(reason, max: 90)). Provider \(provider) speaks \(dialect.rawValue): leave it out, "
                + "or take another model.")
    case .unboundedUnderBudget(let parameter, let mend, let budget):
        return invalid(
            400,
            "Nothing bounds what `\(clean(parameter, max: 60))` can cost, and budget \(quoted(budget)) is strict: "
                + "\(clean(mend, max: 90)).")
    case .malformedJSON(let reason, let offset):
        return invalid(400, "The body is not valid JSON at byte \(offset): \(reason).")
    case .duplicateField(let name):
        return invalid(400, "The body holds \"\(name)\" twice or in another spelling. Send it once, in lower case.")
    case .jsonTooDeep(let max):
        return invalid(400, "The body is nested deeper than \(max) levels (limits.json_depth_max).")
    case .bodyTooLarge(let max):
        return Shape(
            413, "invalid_request_error", "request_too_large",
            "The body is larger than \(max) bytes. An operator can raise limits.request_body_bytes_max.")
    case .originBodyTooLarge(let max): return invalid(413, "The body is larger than \(max) bytes.")
    case .lengthRequired: return invalid(411, "Send Content-Length or Transfer-Encoding: chunked.")
    case .unsupportedContentEncoding(let name):
        return invalid(
            415, "Content-Encoding \(quoted(name)) is not supported for requests. Send the body uncompressed.")
    case .methodNotAllowed(let method, let path, let allowed):
        return invalid(
            405, "\(clean(method, max: 16)) is not allowed on \(quoted(path)). Allowed: \(allowed).", allow: allowed)
    case .webSocketNotSupported: return invalid(426, "The WebSocket transport is not served here. Use HTTP.")
    case .unknownResponse(let id):
        return Shape(404, "invalid_request_error", "not_found_error", "There is no response \(quoted(id)) of yours.")
    case .unknownPath(let method, let path):
        return Shape(
            404, "invalid_request_error", "not_found_error",
            "Weir does not serve \(clean(method, max: 16)) \(quoted(path)). Base URLs: /v1 (OpenAI) and / (Anthropic).")
    default: return invalid(400, "The request was refused.")
    }
}
