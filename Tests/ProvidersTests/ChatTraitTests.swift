// What each kind's server takes of chat completions beyond the original.

import GatewayModel
import Providers
import Testing

@Suite struct ChatTraitTests {
    @Test(arguments: ProviderKind.allCases.filter { $0.preset.dialects.contains(.openAIChat) && $0 != .simulated })
    func onlyOpenAIsModelsKnowCacheMarks(_ kind: ProviderKind) {
        let isOpenAIs = kind == .openAI || kind == "azure-openai"
        #expect(kind.preset.traits.refusedMembers.contains("prompt_cache_breakpoint") == !isOpenAIs)
        #expect(kind.preset.traits.servesOpenAIModels == isOpenAIs)
    }

    @Test func mistralHasRulesOfItsOwn() {
        let traits = ProviderKind(rawValue: "mistral").preset.traits
        #expect(traits.refusesUserBehindTool && traits.callIDBytes == 9 && traits.refusedMembers.contains("stream_options"))
        for kind in ProviderKind.allCases where kind != "mistral" {
            #expect(!kind.preset.traits.refusesUserBehindTool && kind.preset.traits.callIDBytes == nil)
        }
    }
}
