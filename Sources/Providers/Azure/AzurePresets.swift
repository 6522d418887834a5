// Azure: OpenAI's models and Anthropic's under names that an operator gave his deployments (protocols.md, section 7).

import GatewayModel

extension ProviderPreset {
    /// Version 1 of the API; with an `api_version`, the older one whose paths name the deployment.
    static let azureOpenAI = ProviderPreset(
        kind: "azure-openai", baseURL: nil, credentialHeader: .azureAPIKey, credentialEnvironment: "AZURE_OPENAI_API_KEY",
        baseURLEnvironment: "AZURE_OPENAI_ENDPOINT", dialects: openAIDialects, models: ["*"], priceProvider: "azure",
        allowsPrivateAddresses: false, hangUp: .cancel, traits: ProviderTraits(hidesModels: true, servesOpenAIModels: true))

    /// Claude in Microsoft Foundry: `https://RESOURCE.services.ai.azure.com/anthropic`.
    static let azureAnthropic = ProviderPreset(
        kind: "azure-anthropic", baseURL: nil, credentialHeader: .apiKey, credentialEnvironment: "ANTHROPIC_FOUNDRY_API_KEY",
        baseURLEnvironment: "ANTHROPIC_FOUNDRY_BASE_URL", dialects: [.anthropicMessages], models: ["claude-*"], priceProvider: "azure",
        allowsPrivateAddresses: false, hangUp: .cancel, traits: ProviderTraits(hidesModels: true))
}
