// GatewayError: every refusal that Weir itself makes, as a closed set with stable codes. Dialects turn these into status,
// body and headers; inner layers know nothing of HTTP.

/// Why Weir refused or failed a request.
package enum GatewayError: Error, Sendable, Hashable {
    case missingKey
    case malformedKey
    case invalidKey
    case conflictingKeys
    /// A request that an AWS SDK signed with a virtual key's access key, and why that is not believed.
    case invalidSignature(reason: String)
    case revokedKey(keyID: String)
    case expiredKey(keyID: String)
    case keyNotYetValid(keyID: String)
    case addressNotAllowed(keyID: String, address: String)
    case endpointNotAllowed(keyID: String, endpoint: String)
    case modelNotAllowed(keyID: String, model: String, allowed: [String])
    case repositoryNotAllowed(keyID: String, repository: String, bound: String)
    /// A policy wants this label and the request carries none.
    case missingLabel(String)
    /// No such stored response, or not this caller's.
    case unknownResponse(id: String)
    case missingModel
    case unknownModel(model: String, suggestions: [String])
    case ambiguousModel(model: String, providers: [String])
    case dialectNotServed(provider: String, dialect: Dialect)
    /// No deployment of the route may serve this turn: the conditions of all say no.
    case noDeployment(route: String)
    /// The request cannot be said in the only dialect that the model's provider speaks.
    case cannotTranslate(parameter: String, reason: String, provider: String, dialect: Dialect)
    case malformedJSON(reason: String, offset: Int)
    case duplicateField(name: String)
    case jsonTooDeep(max: Int)
    case bodyTooLarge(maxBytes: Int)
    case lengthRequired
    case unsupportedContentEncoding(String)
    case unknownPath(method: String, path: String)
    case methodNotAllowed(method: String, path: String, allowed: String)
    case webSocketNotSupported
    case tooManyConnections
    case upstreamConnectFailed(provider: String, reason: String)
    case upstreamTimedOut(provider: String, seconds: Int)
    case upstreamClosed(provider: String)
    case upstreamMalformed(provider: String, reason: String)
    case upstreamAddressForbidden(provider: String, reason: String)
    case upstreamBusy(provider: String)
    case journalUnavailable
    /// A budget or a limit has no room for the turn.
    case limited(LimitNotice)
    /// A strict budget must bound what a turn can cost, and this model has no price.
    case unpricedUnderBudget(model: String, provider: String, budget: String)
    /// A strict budget holds for the turn, and nothing bounds what a member of the request can cost.
    case unboundedUnderBudget(parameter: String, mend: String, budget: String)
    /// There is no room for another counter, and nothing passes uncounted.
    case limitCountersFull
    case shuttingDown
    case noProvider
    /// On a path that is not the data plane's: what answers there is at its limit, failed, took too long, or takes less.
    case originBusy
    case originFailed(requestID: String)
    case originTimedOut(seconds: Int)
    case originBodyTooLarge(maxBytes: Int)

    /// The stable code that clients and tests may rely on.
    package var code: String {
        switch self {
        case .missingKey, .malformedKey, .invalidKey: "invalid_api_key"
        case .conflictingKeys: "conflicting_api_keys"
        case .invalidSignature: "invalid_signature"
        case .revokedKey: "revoked_api_key"
        case .expiredKey: "expired_api_key"
        case .keyNotYetValid: "api_key_not_yet_valid"
        case .addressNotAllowed: "address_not_allowed"
        case .endpointNotAllowed: "endpoint_not_allowed"
        case .modelNotAllowed: "model_not_allowed"
        case .repositoryNotAllowed: "repository_not_allowed"
        case .missingLabel: "missing_label"
        case .unknownResponse: "response_not_found"
        case .missingModel: "missing_model"
        case .unknownModel: "model_not_found"
        case .ambiguousModel: "ambiguous_model"
        case .dialectNotServed: "dialect_not_served"
        case .noDeployment: "no_deployment"
        case .cannotTranslate: "cannot_translate"
        case .malformedJSON: "malformed_json"
        case .duplicateField: "duplicate_field"
        case .jsonTooDeep: "json_too_deep"
        case .bodyTooLarge: "request_too_large"
        case .lengthRequired: "length_required"
        case .unsupportedContentEncoding: "unsupported_content_encoding"
        case .unknownPath: "unknown_path"
        case .methodNotAllowed: "method_not_allowed"
        case .webSocketNotSupported: "websocket_not_supported"
        case .tooManyConnections: "too_many_connections"
        case .upstreamConnectFailed: "upstream_unreachable"
        case .upstreamTimedOut: "upstream_timeout"
        case .upstreamClosed: "upstream_closed"
        case .upstreamMalformed: "upstream_malformed"
        case .upstreamAddressForbidden: "upstream_address_forbidden"
        case .upstreamBusy: "upstream_busy"
        case .journalUnavailable: "journal_unavailable"
        case .limited(let notice):
            switch notice.kind {
            case .paused: "session_paused"
            case .soon: "rate_limited"
            case .spent: notice.isBudget ? "budget_exceeded" : "limit_exceeded"
            }
        case .unpricedUnderBudget: "unpriced_model"
        case .unboundedUnderBudget: "unbounded_under_budget"
        case .limitCountersFull: "limit_counters_full"
        case .shuttingDown: "shutting_down"
        case .noProvider: "no_provider"
        case .originBusy: "busy"
        case .originFailed: "internal"
        case .originTimedOut: "timeout"
        case .originBodyTooLarge: "request_too_large"
        }
    }
}
