// UpstreamPath: where an endpoint lies below a provider's base path. OpenAI's base URL ends in /v1 and Anthropic's does not.

package import GatewayModel

/// The path of a request to a provider, without the query. `id` is the response id where the endpoint has one.
package func upstreamPath(_ endpoint: Endpoint, provider: Provider, id: String?) -> String {
    // An OpenAI-shaped base URL carries the version, an Anthropic-shaped one does not; a server of both kinds has the former.
    let messages = provider.basePath.hasSuffix("/v1") ? "/messages" : "/v1/messages"
    let openAI = provider.kind == .simulated && !provider.basePath.hasSuffix("/v1") ? "/v1" : ""
    let tail =
        switch endpoint {
        case .chatCompletions: "\(openAI)/chat/completions"
        case .completions: "\(openAI)/completions"
        case .embeddings: "\(openAI)/embeddings"
        case .responses: "\(openAI)/responses"
        case .responsesRetrieve, .responsesDelete: "\(openAI)/responses/\(id ?? "")"
        case .responsesCancel: "\(openAI)/responses/\(id ?? "")/cancel"
        case .responsesInputItems: "\(openAI)/responses/\(id ?? "")/input_items"
        case .responsesCompact: "\(openAI)/responses/compact"
        case .responsesInputTokens: "\(openAI)/responses/input_tokens"
        case .messages: messages
        case .countTokens: "\(messages)/count_tokens"
        case .models: "\(openAI)/models"
        }
    return provider.basePath + tail
}
