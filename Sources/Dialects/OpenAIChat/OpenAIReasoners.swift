// OpenAIReasoners: what OpenAI's reasoning models refuse of a request, in chat completions and Responses alike.

import GatewayModel

extension CanonicalRequest {
    /// The request as OpenAI's own server takes it; what it refuses is given to `drop`. A model that reasons is not sampled: it takes a
    /// temperature of 1 and no `top_p`, unless it is told not to reason.
    func withoutSampling(atOpenAI target: TranslationTarget, _ drop: (String) -> Void) -> CanonicalRequest {
        guard target.traits.servesOpenAIModels, openAIReasons(target.knownModel) else { return self }
        if let reasoning, reasoning.isOff || reasoning.effort == "none" { return self }
        var request = self
        if let temperature, Double(temperature) != 1 {
            request.temperature = nil
            drop("temperature")
        }
        if topP != nil {
            request.topP = nil
            drop("top_p")
        }
        return request
    }
}

/// Whether this is one of OpenAI's models that reason: `o1` and its like, `gpt-5` and later.
func openAIReasons(_ model: String) -> Bool {
    let name = model.split(separator: "/").last ?? Substring(model)
    guard name.hasPrefix("gpt-") else { return name.hasPrefix("o") && name.dropFirst().first?.isNumber == true }
    let generation = Int(name.dropFirst(4).prefix { $0.isNumber }) ?? 0
    // Azure writes 3.5 as 35.
    return (5..<35).contains(generation) && !name.hasPrefix("gpt-5-chat")
}
