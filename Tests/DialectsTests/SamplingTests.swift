// What models that think refuse of a request's sampling: it is left out for them, and named.

import Dialects
import GatewayModel
import Testing

private let claudes: [(dialect: Dialect, prefix: String)] = [
    (.anthropicMessages, ""), (.bedrockConverse, "us.anthropic."), (.bedrockInvoke, "us.anthropic."),
]

private func sampled(_ temperature: String?, _ topP: String?, _ topK: String? = nil, effort: String? = nil) -> CanonicalRequest {
    var request = CanonicalRequest()
    request.messages = [CanonicalMessage(.user, [.text("hi")])]
    request.maxOutputTokens = 9000
    (request.temperature, request.topP, request.topK) = (temperature, topP, topK)
    if let effort { request.reasoning = CanonicalReasoning(effort: effort) }
    return request
}

/// What is left of the sampling, and what was named.
private func written(
    _ request: CanonicalRequest, _ dialect: Dialect, _ target: TranslationTarget
) throws -> (temperature: String?, topP: String?, topK: String?, dropped: [String]) {
    let written = try writeCanonicalRequest(request, in: dialect, for: target)
    let again = try written.body.withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
    return (again.temperature, again.topP, again.topK, written.dropped)
}

@Suite struct SamplingTests {
    @Test(arguments: ["claude-sonnet-4-5", "claude-opus-4-8"])
    func aClaudeThatThinksWasSampledAllTheSame(_ model: String) throws {
        for (dialect, prefix) in claudes {
            let target = TranslationTarget(model: prefix + model)
            let cold = try written(sampled("0.2", "0.9", "40", effort: "high"), dialect, target)
            #expect(cold.temperature == nil && cold.topP == nil && cold.topK == nil)
            #expect(cold.dropped == ["temperature", "top_p", "top_k"])
            let wide = try written(sampled("0.2", "0.95", effort: "high"), dialect, target)
            #expect(wide.temperature == nil && wide.topP == "0.95" && wide.dropped == ["temperature"])
            // What Gemini's command line sends.
            let warm = try written(sampled("1", "0.95", "64", effort: "high"), dialect, target)
            #expect(warm.temperature == "1" && warm.topP == nil && warm.topK == nil && warm.dropped == ["top_p", "top_k"])
        }
    }

    @Test func aClaudeThatDoesNotThinkIsSampled() throws {
        for (dialect, prefix) in claudes {
            let target = TranslationTarget(model: "\(prefix)claude-opus-4-8")
            let alone = try written(sampled("0.2", nil, "40"), dialect, target)
            #expect(alone.temperature == "0.2" && alone.topK == "40" && alone.dropped == [])
            var off = sampled("0.2", nil, "40")
            off.reasoning = CanonicalReasoning()
            off.reasoning?.isOff = true
            #expect(try written(off, dialect, target).dropped == [])
        }
    }

    @Test(arguments: [
        ("claude-3-7-sonnet-20250219", false), ("claude-sonnet-4-20250514", false), ("claude-opus-4@20250514", false),
        ("claude-opus-4-1-20250805", true), ("claude-sonnet-4-5", true), ("claude-sonnet-4-5@20250929", true),
        ("claude-haiku-4-5-20251001", true), ("claude-opus-4-6", true), ("glm-5", false),
    ])
    func newerClaudesRefuseATemperatureBesideATopP(_ model: String, _ isRefused: Bool) throws {
        let left = try written(sampled("0.2", "0.9"), .anthropicMessages, TranslationTarget(model: model))
        #expect(left.temperature == "0.2" && left.topP == (isRefused ? nil : "0.9"))
        #expect(left.dropped == (isRefused ? ["top_p"] : []))
    }

    @Test func aDeploymentsNameHidesNoClaude() throws {
        let target = TranslationTarget(model: "prod", knownModel: "claude-opus-5")
        #expect(try written(sampled("0.2", nil), .anthropicMessages, target).dropped == ["temperature"])
    }

    static let openAI = ProviderTraits(servesOpenAIModels: true)

    @Test(arguments: ["gpt-6.1-sol", "gpt-5", "gpt-5.4-mini", "o1", "o3-mini", "o4-mini"], [Dialect.openAIChat, .openAIResponses])
    func reasoningModelsOfOpenAIsWereSampled(_ model: String, _ dialect: Dialect) throws {
        let target = TranslationTarget(model: model, traits: Self.openAI)
        let left = try written(sampled("0", "0.95"), dialect, target)
        #expect(left.temperature == nil && left.topP == nil && left.dropped == ["temperature", "top_p"])
        #expect(try written(sampled("1.0", nil, effort: "high"), dialect, target).temperature == "1.0")
        let idle = try written(sampled("0.2", "0.95", effort: "none"), dialect, target)
        #expect(idle.temperature == "0.2" && idle.topP == "0.95" && idle.dropped == [])
        // Another server's model of the same name may be another.
        #expect(try written(sampled("0", nil), dialect, TranslationTarget(model: model)).dropped == [])
    }

    @Test(arguments: ["gpt-4.1", "gpt-4o", "gpt-35-turbo", "gpt-5-chat-latest", "chatgpt-4o-latest"])
    func whatDoesNotReasonIsSampled(_ model: String) throws {
        let left = try written(sampled("0.2", "0.9"), .openAIChat, TranslationTarget(model: model, traits: Self.openAI))
        #expect(left.temperature == "0.2" && left.topP == "0.9" && left.dropped == [])
    }

    @Test func aDeploymentsNameHidesNoReasoner() throws {
        let target = TranslationTarget(model: "prod-large", traits: Self.openAI, knownModel: "gpt-6.1-sol")
        #expect(try written(sampled("0", nil), .openAIResponses, target).dropped == ["temperature"])
    }

    @Test(arguments: [
        ("gemini-2.5-flash", 31_999, 24_576), ("gemini-2.5-flash-lite", 100, 512), ("gemini-2.5-flash-lite", 30_000, 24_576),
        ("google/gemini-2.5-pro", 64, 128), ("gemini-2.5-pro-preview-06-05", 40_000, 32_768),
    ])
    func budgetsBeyondWhatGeminiTakesWereRefused(_ model: String, _ budget: Int64, _ fitted: Int64) throws {
        var request = sampled(nil, nil)
        request.reasoning = CanonicalReasoning(budget: budget)
        let written = try writeCanonicalRequest(request, in: .gemini, for: TranslationTarget(model: model))
        #expect(String(decoding: written.body, as: UTF8.self).contains("\"thinkingBudget\":\(fitted)}"))
        #expect(written.dropped == ["thinking.budget_tokens:\(budget)"])
    }

    @Test(arguments: [
        ("gemini-2.5-flash", 24_576), ("gemini-2.5-flash", 1), ("gemini-2.5-pro", 32_768), ("gemini-2.5-pro", -1),
        ("gemini-3.5-flash", 99_999),
    ])
    func otherBudgetsGoAsTheyCame(_ model: String, _ budget: Int64) throws {
        var request = sampled(nil, nil)
        request.reasoning = CanonicalReasoning(budget: budget)
        let written = try writeCanonicalRequest(request, in: .gemini, for: TranslationTarget(model: model))
        #expect(String(decoding: written.body, as: UTF8.self).contains("\"thinkingBudget\":\(budget)}") && written.dropped == [])
    }
}
