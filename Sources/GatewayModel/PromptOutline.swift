// PromptOutline: a prompt as short hashes, piece by piece in the order in which a provider's cache reads it. Two outlines of a session say
// what changed first; nothing of what was said can be read out of them.

/// The pieces of a prompt.
package struct PromptOutline: Sendable, Hashable {
    /// 0 where there is none, as of the system text.
    package var tools: UInt32 = 0
    package var system: UInt32 = 0
    /// What changes how a provider reads the prompt: thinking, tool choice, speed.
    package var settings: UInt32 = 0
    /// The first messages, or items, as many as are kept.
    package var messages: [UInt32] = []
    package var messageCount = 0

    package init() {}

    /// A session with more is compared by its first ones.
    package static let messagesMax = 512
}

/// A turn for which a provider's prompt cache should have been warm and was not.
package struct PrefixBreak: Sendable, Hashable, Codable {
    /// What changed first.
    package enum Cause: String, Sendable, Codable, CaseIterable {
        /// Another provider served the session's last turn.
        case deployment
        /// The same provider did, by another model.
        case model
        case tools, system, settings
        /// `message` was changed, or left out.
        case message
        /// The session was idle for longer than its cache lives.
        case ttl
        /// Nothing changed here: the provider did not have it.
        case provider
    }

    package var cause: Cause
    /// Which message, from 1.
    package var message: Int?
    /// The turn that had left the cache warm.
    package var after: RequestID
    package var idleSeconds: Int64
    /// Tokens that should have been read from the cache, and those that were.
    package var expectedTokens: Int64
    package var readTokens: Int64

    package init(
        cause: Cause, message: Int? = nil, after: RequestID, idleSeconds: Int64, expectedTokens: Int64, readTokens: Int64
    ) {
        self.cause = cause
        self.message = message
        self.after = after
        self.idleSeconds = idleSeconds
        self.expectedTokens = expectedTokens
        self.readTokens = readTokens
    }

    enum CodingKeys: String, CodingKey {
        case cause, message, after
        case idleSeconds = "idle_seconds"
        case expectedTokens = "expected_tokens"
        case readTokens = "read_tokens"
    }

    /// `message 3 changed`, for a reader.
    package var text: String {
        switch cause {
        case .deployment: "another provider served it"
        case .model: "another model served it"
        case .tools: "the tools changed"
        case .system: "the system text changed"
        case .settings: "thinking, tool choice or speed changed"
        case .message: "message \(message ?? 0) changed"
        case .ttl: "idle for \(idleSeconds) s, longer than the cache lives"
        case .provider: "nothing changed; the provider did not have it"
        }
    }
}
