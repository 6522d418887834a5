// UpstreamPath: where an endpoint lies below a provider's base path. OpenAI's base URL ends in /v1 and Anthropic's does not.

package import GatewayModel

/// The path of a request to a provider, without the query. `id` is the response id where the endpoint has one, or the model id where the
/// path names the model.
package func upstreamPath(_ endpoint: Endpoint, provider: Provider, id: String?) -> String {
    // An OpenAI-shaped base URL carries the version, an Anthropic-shaped one does not; a server of both kinds has the former.
    let isMantle = provider.kind == .bedrockMantle
    let messages = provider.basePath.hasSuffix("/v1") ? "/messages" : isMantle ? "/anthropic/v1/messages" : "/v1/messages"
    let openAI = isMantle ? "/openai/v1" : provider.kind == .simulated && !provider.basePath.hasSuffix("/v1") ? "/v1" : ""
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
        case .converse: "/model/\(pathSegment(id ?? ""))/converse"
        case .converseStream: "/model/\(pathSegment(id ?? ""))/converse-stream"
        case .invokeModel: "/model/\(pathSegment(id ?? ""))/invoke"
        case .invokeModelStream: "/model/\(pathSegment(id ?? ""))/invoke-with-response-stream"
        }
    return provider.basePath + tail
}
