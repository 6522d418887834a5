// ClaudeThinking: how a wish for thinking is said to Claude, whichever envelope carries it (protocols.md, section 9.1).

/// What a request to Claude says of thinking.
enum ClaudeThinking {
    case none, off
    case adaptive(effort: String?, display: String)
    /// Thinking tokens at most.
    case budget(Int64)
}

/// Decides it; what cannot be had is given to `drop`.
func claudeThinking(
    _ request: CanonicalRequest, _ turns: [CanonicalTurn], limit: Int64, model: String, _ drop: (String) -> Void
) -> ClaudeThinking {
    guard let wish = request.reasoning else { return .none }
    if wish.isOff { return .off }
    let isForced: Bool =
        switch request.toolChoice {
        case .required?, .named?: true
        default: false
        }
    // A tool continuation whose turn has no thinking block would be refused, and so would thinking with a forced tool.
    if isForced || turns.continuesToolsWithoutThinking {
        drop("thinking")
        return .none
    }
    let effort = wish.effort.map { $0 == "minimal" ? "low" : $0 }
    if claudeThinksAdaptively(model) {
        if wish.effort == nil, wish.budget == nil, !wish.isAdaptive { return .none }
        let byBudget = wish.budget.map { $0 <= 2048 ? "low" : $0 <= 8192 ? "medium" : "high" }
        return .adaptive(effort: effort ?? byBudget, display: wish.display == "omitted" ? "omitted" : "summarized")
    }
    let budgets: [String: Int64] = ["low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16_384]
    let budget = max(1024, wish.budget ?? effort.flatMap { budgets[$0] } ?? 2048)
    guard limit > 1024 else {
        drop("thinking")
        return .none
    }
    return .budget(min(budget, limit - 1))
}

/// Claude 4.6 and later decide by themselves how long to think; earlier ones want a budget.
func claudeThinksAdaptively(_ model: String) -> Bool {
    guard let (major, minor) = claudeVersion(model) else { return true }
    return major > 4 || major == 4 && minor >= 6
}

/// Claude 5 and later refuse `temperature`, `top_p` and `top_k` (protocols.md, section 3.2); Anthropic's SDK knows them no more.
func claudeTakesSampling(_ model: String) -> Bool { claudeVersion(model).map { $0.major < 5 } ?? true }

/// 4 and 8 of `us.anthropic.claude-opus-4-8`; nil of a name that does not say.
private func claudeVersion(_ model: String) -> (major: Int, minor: Int)? {
    guard let start = model.range(of: "claude-") else { return nil }
    let numbers = model[start.upperBound...].split(separator: "-").compactMap { part in part.count <= 2 ? Int(part) : nil }
    return numbers.first.map { ($0, numbers.dropFirst().first ?? 0) }
}

extension CanonicalRequest {
    /// The request as this Claude takes it; what it refuses is given to `drop`.
    func withoutSampling(for model: String, _ drop: (String) -> Void) -> CanonicalRequest {
        guard !claudeTakesSampling(model) else { return self }
        var request = self
        for (name, member) in [("temperature", \CanonicalRequest.temperature), ("top_p", \.topP), ("top_k", \.topK)]
        where request[keyPath: member] != nil {
            request[keyPath: member] = nil
            drop(name)
        }
        return request
    }
}

extension String {
    /// The first place of a text, without Foundation.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
