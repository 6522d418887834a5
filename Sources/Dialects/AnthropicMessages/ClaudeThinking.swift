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

/// 4 and 8 of `us.anthropic.claude-opus-4-8`; nil of a name that does not say. Vertex sets the date off by `@`.
private func claudeVersion(_ model: String) -> (major: Int, minor: Int)? {
    guard let start = model.range(of: "claude-") else { return nil }
    let parts = model[start.upperBound...].split { $0 == "-" || $0 == "@" || $0 == "." }
    let numbers = parts.compactMap { part in part.count <= 2 ? Int(part) : nil }
    return numbers.first.map { ($0, numbers.dropFirst().first ?? 0) }
}

extension ClaudeThinking {
    /// Whether the model is asked to think.
    fileprivate var isOn: Bool {
        switch self {
        case .none, .off: false
        case .adaptive, .budget: true
        }
    }
}

extension CanonicalRequest {
    /// The request as this Claude takes it; what it refuses is given to `drop`. Claude 5 and later refuse `temperature`, `top_p` and
    /// `top_k` (protocols.md, section 3.2), and Anthropic's SDK knows them no more. Earlier ones, while they think, take a temperature
    /// of 1, no `top_k` and a `top_p` from 0.95 on; and Claude 4.1 and later take one of `temperature` and `top_p`, never both.
    func withoutSampling(for model: String, _ thinking: ClaudeThinking, _ drop: (String) -> Void) -> CanonicalRequest {
        guard let (major, minor) = claudeVersion(model) else { return self }
        let refusesAll = major >= 5
        let isWarm = thinking.isOn && temperature.flatMap { Double($0) } != 1
        let isNarrow = thinking.isOn && !(0.95...1).contains(topP.flatMap { Double($0) } ?? 0)
        var refused: [(name: String, member: WritableKeyPath<CanonicalRequest, String?>)] = []
        if refusesAll || isWarm { refused.append(("temperature", \.temperature)) }
        let isBesideTemperature = refused.isEmpty && temperature != nil && (major, minor) >= (4, 1)
        if refusesAll || isNarrow || isBesideTemperature { refused.append(("top_p", \.topP)) }
        if refusesAll || thinking.isOn { refused.append(("top_k", \.topK)) }
        var request = self
        for (name, member) in refused where request[keyPath: member] != nil {
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
