// UpstreamPath: where an endpoint lies below a provider's base path. OpenAI's base URL ends in /v1 and Anthropic's does not.

package import GatewayModel

/// The path of a request to a provider, without the query. `id` is the response id where the endpoint has one, `model` the upstream
/// model id for providers that want it in the path, as some want there whether the answer streams.
package func upstreamPath(
    _ endpoint: Endpoint, provider: Provider, id: String?, model: String = "", streams: Bool = false
) -> String {
    switch provider.traits.layout {
    case .standard: break
    case .azureDeployments:
        if let tail = azureTails[endpoint] { return "\(provider.basePath)/deployments/\(pathSafe(model))\(tail)" }
    case .vertex:
        if let tail = vertexTail(endpoint, model: pathSafe(model), streams: streams) { return provider.basePath + tail }
    }
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
        case .generateContent: "\(geminiModels(provider))\(pathSafe(model)):generateContent"
        case .streamGenerateContent: "\(geminiModels(provider))\(pathSafe(model)):streamGenerateContent"
        case .geminiCountTokens: "\(geminiModels(provider))\(pathSafe(model)):countTokens"
        case .models: "\(openAI)/models"
        case .ollamaChat: "/api/chat"
        case .ollamaGenerate: "/api/generate"
        case .converse: "/model/\(pathSegment(model))/converse"
        case .converseStream: "/model/\(pathSegment(model))/converse-stream"
        case .invokeModel: "/model/\(pathSegment(model))/invoke"
        case .invokeModelStream: "/model/\(pathSegment(model))/invoke-with-response-stream"
        }
    // Ollama's own API lies beside its copy of OpenAI's.
    if endpoint.dialect == .ollama { return withoutVersion(provider.basePath) + tail }
    return provider.basePath + tail
}

/// The endpoints that lie below a deployment in Azure's dated versions.
private let azureTails: [Endpoint: String] = [
    .chatCompletions: "/chat/completions", .completions: "/completions", .embeddings: "/embeddings",
]

/// Below a location of Vertex: the publisher, the model and the method.
private func vertexTail(_ endpoint: Endpoint, model: String, streams: Bool) -> String? {
    switch endpoint {
    case .countTokens: "/publishers/anthropic/models/count-tokens:rawPredict"
    case .geminiCountTokens: "/publishers/google/models/\(model):countTokens"
    case .generateContent: "/publishers/google/models/\(model):generateContent"
    case .messages: "/publishers/anthropic/models/\(model):\(streams ? "streamRawPredict" : "rawPredict")"
    case .streamGenerateContent: "/publishers/google/models/\(model):streamGenerateContent"
    default: nil
    }
}

private func withoutVersion(_ path: String) -> String { path.hasSuffix("/v1") ? String(path.dropLast(3)) : path }

/// Google's base URL is the bare host; one that names a version keeps it.
private func geminiModels(_ provider: Provider) -> String {
    provider.basePath.hasSuffix("/v1") || provider.basePath.hasSuffix("/v1beta") ? "/models/" : "/v1beta/models/"
}

/// A model id as a part of a path: what could change the path is escaped.
func pathSafe(_ model: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in model.utf8 {
        switch byte {
        case 48...57, 65...90, 97...122, 45, 46, 95, 126, 58, 64: out.append(byte)
        default: out += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: out, as: UTF8.self)
}
