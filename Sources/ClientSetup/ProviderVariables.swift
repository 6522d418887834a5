// ProviderVariables: the environment variables by which agents find providers on their own.

/// Provider names as agents use them, and the variables that hold their keys.
let providerVariables: [(provider: String, variables: [String])] = [
    ("openai", ["OPENAI_API_KEY"]), ("anthropic", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"]),
    ("google", ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"]), ("openrouter", ["OPENROUTER_API_KEY"]),
    ("groq", ["GROQ_API_KEY"]), ("mistral", ["MISTRAL_API_KEY"]), ("deepseek", ["DEEPSEEK_API_KEY"]), ("xai", ["XAI_API_KEY"]),
    ("azure", ["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"]), ("amazon-bedrock", ["AWS_BEARER_TOKEN_BEDROCK"]),
    ("github-copilot", ["GITHUB_TOKEN"]), ("cerebras", ["CEREBRAS_API_KEY"]), ("togetherai", ["TOGETHER_API_KEY"]),
    ("fireworks-ai", ["FIREWORKS_API_KEY"]), ("huggingface", ["HF_TOKEN"]), ("opencode", ["OPENCODE_API_KEY"]),
]

extension ClientPlace {
    /// The variables of the environment that hold a key which is not the gateway's, with the provider that it opens.
    func foreignKeys(except ignored: Set<String> = []) -> [(provider: String, variable: String)] {
        providerVariables.flatMap { entry in
            entry.variables.filter { name in
                !ignored.contains(name) && variable(name).map { !$0.hasPrefix("weir_k_") } == true
            }.map { (entry.provider, $0) }
        }
    }
}
