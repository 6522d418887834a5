// ModelMaximaTests: what budgets take for the most that a model can read and write.

import Providers
import Testing

@Suite struct ModelMaximaTests {
    @Test(
        arguments: [
            ("claude-opus-5-5", 1_000_000), ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000), ("anthropic/claude-3-opus", 200_000),
            ("gpt-5.4", 1_050_000), ("gpt-5.4-mini", 400_000), ("gpt-5-mini", 400_000), ("openai/gpt-6.1-sol", 1_050_000),
            ("gemini-3.5-flash", 1_048_576),
        ] as [(String, Int64)])
    func aModelReadsNoMoreThanItsContext(_ model: String, _ tokens: Int64) {
        #expect(Catalogue.contextMaximum(of: model) == tokens)
    }

    @Test func whatIsNotKnownIsNotGuessed() {
        #expect(Catalogue.contextMaximum(of: "a-model-that-nobody-lists") == nil)
        #expect(Catalogue.outputMaximum(of: "a-model-that-nobody-lists") == nil)
        #expect(Catalogue.outputMaximum(of: "eu.anthropic.claude-opus-5-5") == 128_000)
    }

    /// What clients size their context by may be too small; what budgets reserve by may not.
    @Test func noMaximumIsSmallerThanWhatClientsAreTold() {
        for model in ["claude-opus-5-5", "gpt-4.1", "gpt-4o", "gpt-5.2", "gpt-6-sol", "o3", "gemini-2.5-pro", "kimi-k3"] {
            #expect((Catalogue.contextMaximum(of: model) ?? 0) >= Catalogue.limits(of: model).context)
            if let output = Catalogue.outputMaximum(of: model) { #expect(output >= Catalogue.limits(of: model).output) }
        }
    }
}
