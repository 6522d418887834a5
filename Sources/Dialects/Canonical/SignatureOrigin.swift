// SignatureOrigin: who signed a thought. A provider refuses another's signature, or takes it for a forgery, so on a switch of provider
// inside a session foreign ones are taken out, and the turn says so (protocols.md, section 9.3).

import GatewayModel

/// Whose signature stands on a thinking block.
enum SignatureOrigin: Hashable {
    case anthropic, gemini, openAI

    init(_ signature: String) {
        if GeminiSignature(carried: signature) != nil {
            self = .gemini
        } else {
            self = SealedReasoning.open(signature) == nil ? .anthropic : .openAI
        }
    }
}

extension Dialect {
    /// Whose signatures its providers take back.
    fileprivate var signatureOrigin: SignatureOrigin? {
        switch self {
        case .anthropicMessages, .bedrockConverse, .bedrockInvoke: .anthropic
        case .gemini: .gemini
        case .openAIResponses: .openAI
        case .ollama, .openAIChat, .openAICompletions, .openAIEmbeddings: nil
        }
    }
}

extension CanonicalRequest {
    /// The request without thinking that another provider signed, which is named as dropped.
    func withoutForeignSignatures(for dialect: Dialect) -> CanonicalRequest {
        let own = dialect.signatureOrigin
        func isForeign(_ block: CanonicalBlock) -> Bool {
            switch block.part {
            case .thinking(_, let signature?): SignatureOrigin(signature) != own
            case .redactedThinking: own != .anthropic
            default: false
            }
        }
        guard messages.contains(where: { $0.role == .assistant && $0.blocks.contains(where: isForeign) }) else { return self }
        var request = self
        for index in request.messages.indices where request.messages[index].role == .assistant {
            request.messages[index].blocks.removeAll(where: isForeign)
        }
        request.note("messages[].thinking")
        return request
    }
}
