// Bedrock: AWS's own dialects at the runtime endpoint of a region, by an API key or by signed requests. An interrupted stream is billed in
// full (protocols.md, section 10), so it is read to its end.

import GatewayModel

extension ProviderPreset {
    static let bedrock = ProviderPreset(
        kind: .bedrock, baseURL: "https://bedrock-runtime.{region}.amazonaws.com", credentialHeader: .bearer,
        credentialEnvironment: "AWS_BEARER_TOKEN_BEDROCK", baseURLEnvironment: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        dialects: [.bedrockConverse, .bedrockInvoke],
        models: [
            "ai21.*", "amazon.*", "anthropic.*", "apac.*", "arn:aws*", "au.*", "ca.*", "cohere.*", "deepseek.*", "eu.*", "global.*",
            "google.*", "jp.*", "meta.*", "minimax.*", "mistral.*", "moonshot*", "nvidia.*", "openai.*", "qwen.*", "sa.*", "us-gov.*",
            "us.*", "writer.*", "zai.*",
        ], priceProvider: "bedrock", allowsPrivateAddresses: false, hangUp: .drain, awsService: "bedrock")

    /// AWS's newer plane, which speaks OpenAI's and Anthropic's dialects, so that nothing is translated (protocols.md, section 4.1).
    static let bedrockMantle = ProviderPreset(
        kind: .bedrockMantle, baseURL: "https://bedrock-mantle.{region}.api.aws", credentialHeader: .bearer,
        credentialEnvironment: nil, baseURLEnvironment: nil, dialects: [.openAIChat, .openAIResponses, .anthropicMessages],
        models: ["anthropic.*", "openai.*"], priceProvider: "bedrock", allowsPrivateAddresses: false, hangUp: .drain,
        traits: unlikeOpenAI, awsService: "bedrock-mantle")
}
