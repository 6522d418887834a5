// SeenProjection: what of an answer a dialect can say at all: the table of `docs/translation.md`, as the tests hold it.

import GatewayModel

extension SeenAnswer {
    /// The answer as a client of this dialect sees it, when nothing that it could see is lost.
    func seen(by client: Dialect, isStream: Bool) -> SeenAnswer {
        var answer = self
        answer.stop = stop.map { Self.word($0, client) }
        answer.parts = parts.compactMap { Self.part($0, client) }
        switch client {
        case .anthropicMessages, .bedrockInvoke: break
        case .gemini where stop == .filtered: break
        case .openAIChat, .openAIResponses:
            // Why it was refused is a part of the answer there.
            if stop == .filtered, !hasRefused, let stopDetail { answer.parts.append(.refusal(stopDetail)) }
            answer.stopDetail = nil
        default: answer.stopDetail = nil
        }
        answer.usage = usage.map { Self.usage($0, client) }
        if client == .bedrockConverse { (answer.id, answer.model) = (nil, nil) }
        if client == .ollama { answer.id = nil }
        answer = answer.joined()
        return [.openAIChat, .ollama].contains(client) ? answer.inOrderOfKinds() : answer
    }

    private static func word(_ stop: Stop, _ client: Dialect) -> Stop {
        switch (client, stop) {
        case (.anthropicMessages, _), (.bedrockInvoke, _): stop
        case (.bedrockConverse, .pause): .end
        case (.bedrockConverse, _): stop
        case (_, .stopSequence): .end
        case (_, .context), (_, .pause): .length
        // Ollama has no word for it.
        case (.ollama, .filtered): .end
        default: stop
        }
    }

    private static func part(_ part: Part, _ client: Dialect) -> Part? {
        switch part {
        case .refusal(let text) where client != .openAIChat && client != .openAIResponses: .text(text)
        case .thinking(let text, _?) where client == .ollama: .thinking(text, signature: nil)
        case .redacted where client == .ollama: nil
        default: part
        }
    }

    private static func usage(_ usage: Usage, _ client: Dialect) -> Usage {
        var usage = usage
        switch client {
        case .gemini: usage.written = 0
        case .bedrockConverse: usage.reasoning = 0
        case .ollama: (usage.cached, usage.written, usage.reasoning) = (0, 0, 0)
        default: break
        }
        return usage
    }
}
