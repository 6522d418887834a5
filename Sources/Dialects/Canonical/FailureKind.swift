// FailureKind: what a failure inside an answer means, read from any dialect's word for it and said in any other's. Clients act on these
// words; the message stays the provider's own.

/// The kinds of failure that clients tell apart.
enum FailureKind: Sendable, Hashable {
    case rateLimited, outOfQuota, overloaded, invalidRequest, unauthenticated, forbidden, notFound, timedOut, server

    /// The words of OpenAI, Anthropic, Bedrock and Google (protocols.md, sections 1.4, 2.1, 3.5, 4.5 and 5).
    init(code: String) {
        self =
            switch code {
            case "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "throttlingException", "429": .rateLimited
            case "insufficient_quota", "billing_error", "402": .outOfQuota
            case "overloaded_error", "server_overloaded", "server_is_overloaded", "UNAVAILABLE", "serviceUnavailableException", "503",
                "529":
                .overloaded
            case "invalid_request_error", "invalid_prompt", "context_length_exceeded", "INVALID_ARGUMENT", "FAILED_PRECONDITION",
                "validationException", "400":
                .invalidRequest
            case "authentication_error", "invalid_api_key", "UNAUTHENTICATED", "401": .unauthenticated
            case "permission_error", "PERMISSION_DENIED", "403": .forbidden
            case "not_found_error", "model_not_found", "NOT_FOUND", "404": .notFound
            case "timeout_error", "DEADLINE_EXCEEDED", "modelTimeoutException", "408", "504": .timedOut
            default: .server
            }
    }

    /// Anthropic's `error.type`.
    var anthropicType: String {
        switch self {
        case .rateLimited: "rate_limit_error"
        case .outOfQuota: "billing_error"
        case .overloaded: "overloaded_error"
        case .invalidRequest: "invalid_request_error"
        case .unauthenticated: "authentication_error"
        case .forbidden: "permission_error"
        case .notFound: "not_found_error"
        case .timedOut: "timeout_error"
        case .server: "api_error"
        }
    }

    /// The code of a failed response: OpenAI lists few.
    var responsesCode: String {
        switch self {
        case .rateLimited, .outOfQuota: "rate_limit_exceeded"
        case .invalidRequest: "invalid_prompt"
        default: "server_error"
        }
    }

    /// Google's word, and the HTTP status that goes with it.
    var geminiStatus: (name: String, http: Int) {
        switch self {
        case .rateLimited, .outOfQuota: ("RESOURCE_EXHAUSTED", 429)
        case .overloaded: ("UNAVAILABLE", 503)
        case .invalidRequest: ("INVALID_ARGUMENT", 400)
        case .unauthenticated: ("UNAUTHENTICATED", 401)
        case .forbidden: ("PERMISSION_DENIED", 403)
        case .notFound: ("NOT_FOUND", 404)
        case .timedOut: ("DEADLINE_EXCEEDED", 504)
        case .server: ("INTERNAL", 500)
        }
    }

    /// The exception inside a stream of Bedrock's.
    var awsException: String {
        switch self {
        case .rateLimited, .outOfQuota: "throttlingException"
        case .overloaded: "serviceUnavailableException"
        case .invalidRequest, .unauthenticated, .forbidden, .notFound: "validationException"
        case .timedOut: "modelStreamErrorException"
        case .server: "internalServerException"
        }
    }
}
