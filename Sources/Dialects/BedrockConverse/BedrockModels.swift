// BedrockModels: which family a model id of Bedrock's is of, since families differ in what they take.

/// Whether Bedrock serves a Claude under this id; an application's own profile does not say.
package func isBedrockClaude(_ model: String) -> Bool { model.utf8Contains("anthropic.") || model.utf8Contains("claude") }

/// Whether it is one of OpenAI's.
func isBedrockOpenAI(_ model: String) -> Bool { model.utf8Contains("openai.") }

extension String {
    /// Without Foundation.
    fileprivate func utf8Contains(_ text: StaticString) -> Bool {
        let wanted = text.utf8CodeUnitCount
        let bytes = Array(utf8)
        guard bytes.count >= wanted else { return false }
        return (0...bytes.count - wanted).contains { start in
            (0..<wanted).allSatisfy { bytes[start + $0] == text.utf8Start[$0] }
        }
    }
}
