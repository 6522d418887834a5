// TryFailure: why one try at a deployment failed, as far as that decides what is tried next.

package import GatewayModel

/// The classes of failure that a route tells apart. The raw values are the words of the configuration.
package enum FailureClass: String, Sendable, Codable, CaseIterable {
    /// No connection: refused, no route, no name, or too many wait already.
    case connect
    /// No answer within the time that a try has.
    case timeout
    /// The connection ended before the answer was whole.
    case reset
    /// What came is no HTTP, or not what was asked for.
    case malformed
    /// 500 and other 5xx.
    case server
    /// 503 and 529.
    case overload
    /// 429.
    case rateLimit = "rate_limit"
    /// The account has no money left.
    case quota
    /// 401 and 403: the provider does not take the credential that Weir has for it.
    case authentication
    /// The request is longer than the model's context.
    case context
    /// The provider's filter refused the content.
    case contentFilter = "content_filter"
    /// Everything else that another deployment would refuse as well.
    case request

    /// Asking the same deployment again may help.
    package var isTransient: Bool {
        switch self {
        case .connect, .reset, .malformed, .server, .overload, .rateLimit: true
        case .timeout, .quota, .authentication, .context, .contentFilter, .request: false
        }
    }

    /// It says that the deployment is ill, not that the request or the account is.
    package var isIllness: Bool {
        switch self {
        case .connect, .timeout, .reset, .malformed, .server, .overload: true
        case .rateLimit, .quota, .authentication, .context, .contentFilter, .request: false
        }
    }
}

/// One failed try.
package struct TryFailure: Sendable, Hashable {
    package var kind: FailureClass
    /// The status of the provider's answer; 0 without one.
    package var status: Int
    /// How long the provider asked to be left alone.
    package var retryAfterMilliseconds: Int64?

    package init(_ kind: FailureClass, status: Int = 0, retryAfterMilliseconds: Int64? = nil) {
        self.kind = kind
        self.status = status
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// A failure without an answer.
    package init(_ error: GatewayError) {
        switch error {
        case .upstreamTimedOut: self.init(.timeout)
        case .upstreamClosed: self.init(.reset)
        case .upstreamMalformed: self.init(.malformed)
        default: self.init(.connect)
        }
    }

    /// A provider's error answer. Providers tell what is wrong by a code somewhere in the body, by words, or by the status alone.
    package init(status: Int, body: UnsafeRawBufferPointer, retryAfterMilliseconds: Int64?) {
        self.init(
            Self.kind(status, UnsafeRawBufferPointer(rebasing: body.prefix(Self.bodyBytesMax))), status: status,
            retryAfterMilliseconds: retryAfterMilliseconds)
    }

    /// An error says what it is in its first lines.
    private static var bodyBytesMax: Int { 16 << 10 }

    private static func kind(_ status: Int, _ body: UnsafeRawBufferPointer) -> FailureClass {
        switch status {
        // A page where an answer should be.
        case ..<400: return .malformed
        case 400, 413, 422:
            if isAny(of: contextWords, in: body) { return .context }
            return isAny(of: filterWords, in: body) ? .contentFilter : status == 413 ? .context : .request
        case 401, 403: return isAny(of: filterWords, in: body) ? .contentFilter : .authentication
        case 402: return .quota
        case 408, 504: return .timeout
        case 429: return isAny(of: quotaWords, in: body) ? .quota : .rateLimit
        case 503, 529: return .overload
        case 500...: return .server
        default: return .request
        }
    }

    /// OpenAI's code, Anthropic's words (`prompt is too long: 215000 tokens > 200000 maximum`), vLLM's, Bedrock's and Gemini's.
    private static let contextWords = [
        "context_length_exceeded", "prompt is too long", "maximum context length", "input is too long",
        "exceeds the maximum number of tokens",
        "model_context_window_exceeded", "request_too_large",
    ].map { Array($0.utf8) }
    private static let filterWords = ["content_filter", "content_policy", "content management policy", "responsibleaipolicy"]
        .map { Array($0.utf8) }
    private static let quotaWords = ["insufficient_quota", "billing_error", "credit balance is too low"].map { Array($0.utf8) }

    /// Whether one of some lower-case words stands in a text, in any case.
    private static func isAny(of words: [[UInt8]], in text: UnsafeRawBufferPointer) -> Bool {
        words.contains { word in
            guard text.count >= word.count else { return false }
            return (0...text.count - word.count).contains { start in
                for index in 0..<word.count {
                    let byte = text[start + index]
                    if (byte >= 65 && byte <= 90 ? byte | 0x20 : byte) != word[index] { return false }
                }
                return true
            }
        }
    }
}
