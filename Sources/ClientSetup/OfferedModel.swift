// OfferedModel: a model as the gateway offers it, and which one to suggest to a client that has none.

/// A model as the gateway offers it. Prices in US dollars for a million tokens, as they are written.
package struct OfferedModel: Sendable, Equatable {
    package var id: String
    package var provider: String
    package var contextTokens: Int64?
    package var outputTokens: Int64?
    package var inputPrice: String?
    package var outputPrice: String?
    package var cacheReadPrice: String?
    package var cacheWritePrice: String?
    package var reasons: Bool?
    package var takesImages: Bool?

    package init(id: String, provider: String) {
        self.id = id
        self.provider = provider
    }

    /// Whether the Anthropic dialect is its own.
    package var isClaude: Bool { provider == "anthropic" || id.hasPrefix("claude") || id.contains("/claude") }

    /// Whether it answers in text and calls tools, as far as its name tells.
    var isForCoding: Bool {
        let others = [
            "embed", "tts", "whisper", "audio", "realtime", "image", "dall", "moderation", "transcribe", "search", "instruct", "babbage",
            "davinci", "sora", "computer-use", "deep-research", "chat-latest",
        ]
        return !others.contains { id.contains($0) }
    }

    /// Small and cheap ones write titles and summaries.
    var isSmall: Bool { ["mini", "nano", "haiku", "flash", "lite", "small"].contains { id.contains($0) } }

    /// The numbers in its name, for telling a newer one from an older one. A date is no version.
    var version: [Int] { id.split { !$0.isNumber }.compactMap { Int($0) }.filter { $0 < 1000 } }
}

extension [OfferedModel] {
    /// The newest of the plainest names.
    func suggested(isSmall: Bool) -> OfferedModel? {
        let fitting = filter { $0.isForCoding && $0.isSmall == isSmall }
        let family = fitting.filter { $0.id.hasPrefix("gpt-") || $0.id.hasPrefix("claude-") }
        return (family.isEmpty ? fitting : family).max { left, right in
            left.version == right.version
                ? (left.id.utf8.count, left.id) > (right.id.utf8.count, right.id) : left.version.lexicographicallyPrecedes(right.version)
        }
    }
}

extension SetupContext {
    /// The model to use: what `--model` says, or the newest of the dialect. Nil when nothing is known.
    func chosenModel(isClaude: Bool = false) -> String? { model ?? models.filter { $0.isClaude == isClaude }.suggested(isSmall: false)?.id }

    /// The model for titles and summaries.
    func smallModel(isClaude: Bool = false) -> String? {
        let own = models.filter { $0.isClaude == isClaude }
        return own.suggested(isSmall: true)?.id ?? chosenModel(isClaude: isClaude)
    }

    /// Whether a model is one of Anthropic's dialect.
    func isClaude(_ id: String) -> Bool { models.first { $0.id == id }?.isClaude ?? id.hasPrefix("claude") }
}
