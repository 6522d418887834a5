// Endpoint: what a path asks for, and the wire dialect in which it is asked.

/// The wire dialects that Weir reads and writes.
package enum Dialect: String, Sendable, Codable, CaseIterable {
    case openAIChat = "openai_chat"
    case openAICompletions = "openai_completions"
    case openAIEmbeddings = "openai_embeddings"
    case openAIResponses = "openai_responses"
    case anthropicMessages = "anthropic_messages"
    case gemini
    case ollama
    case bedrockConverse = "bedrock_converse"
    /// A model's own JSON in Bedrock's envelope; of Claude, Anthropic's Messages.
    case bedrockInvoke = "bedrock_invoke"

    /// The dialect whose error shape a caller of this one understands.
    package var isAnthropic: Bool { self == .anthropicMessages }

    /// Whether its callers are AWS SDKs, which read the model and the kind of answer from the path.
    package var isBedrock: Bool { self == .bedrockConverse || self == .bedrockInvoke }
}

/// The operations that the gateway serves.
package enum Endpoint: String, Sendable, Codable, CaseIterable {
    case chatCompletions = "chat_completions"
    case completions
    case embeddings
    case responses
    case responsesRetrieve = "responses_retrieve"
    case responsesDelete = "responses_delete"
    case responsesCancel = "responses_cancel"
    case responsesInputItems = "responses_input_items"
    case responsesCompact = "responses_compact"
    case responsesInputTokens = "responses_input_tokens"
    case messages
    case countTokens = "count_tokens"
    case generateContent = "generate_content"
    case streamGenerateContent = "stream_generate_content"
    case geminiCountTokens = "gemini_count_tokens"
    case ollamaChat = "ollama_chat"
    case ollamaGenerate = "ollama_generate"
    case models
    case converse
    case converseStream = "converse_stream"
    case invokeModel = "invoke_model"
    case invokeModelStream = "invoke_model_stream"

    package var dialect: Dialect {
        switch self {
        case .chatCompletions, .models: .openAIChat
        case .completions: .openAICompletions
        case .embeddings: .openAIEmbeddings
        case .responses, .responsesRetrieve, .responsesDelete, .responsesCancel, .responsesInputItems,
            .responsesCompact, .responsesInputTokens:
            .openAIResponses
        case .messages, .countTokens: .anthropicMessages
        case .generateContent, .streamGenerateContent, .geminiCountTokens: .gemini
        case .ollamaChat, .ollamaGenerate: .ollama
        case .converse, .converseStream: .bedrockConverse
        case .invokeModel, .invokeModelStream: .bedrockInvoke
        }
    }

    /// Whether its requests and answers can be said in another dialect.
    package var isTranslatable: Bool {
        switch self {
        case .chatCompletions, .converse, .converseStream, .generateContent, .invokeModel, .invokeModelStream, .messages, .ollamaChat,
            .ollamaGenerate, .responses, .streamGenerateContent:
            true
        default: false
        }
    }

    /// Whether it only asks how many tokens a request has.
    package var countsTokens: Bool { self == .countTokens || self == .geminiCountTokens || self == .responsesInputTokens }

    /// Whether the provider bills what this endpoint generates. Counting tokens and reading back are free.
    package var isMetered: Bool {
        switch self {
        case .chatCompletions, .completions, .converse, .converseStream, .embeddings, .generateContent, .invokeModel, .invokeModelStream,
            .messages, .ollamaChat, .ollamaGenerate, .responses, .responsesCompact, .streamGenerateContent:
            true
        case .responsesRetrieve, .responsesDelete, .responsesCancel, .responsesInputItems, .responsesInputTokens,
            .countTokens, .geminiCountTokens, .models:
            false
        }
    }

    /// Whether the path names the model, and the body does not.
    package var namesModelInPath: Bool { dialect == .gemini || dialect.isBedrock }

    /// Whether the path itself asks for a stream. Elsewhere the body does.
    package var isStreamByPath: Bool { self == .streamGenerateContent || self == .converseStream || self == .invokeModelStream }
}
