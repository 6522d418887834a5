// Property tests over the table: what maps is the identity from the hub to a dialect and back, what is dropped is named, what is
// refused names its parameter.

import Dialects
import GatewayModel
import Testing

@Suite struct RequestTableTests {
    static let models: [Dialect: String] = [
        .openAIChat: "gpt-5.4-mini", .openAIResponses: "gpt-6.1-sol", .anthropicMessages: "claude-opus-4-8",
        .bedrockConverse: "us.anthropic.claude-opus-4-8", .bedrockInvoke: "us.anthropic.claude-opus-4-8", .gemini: "gemini-3.5-flash",
        .ollama: "qwen3:8b",
    ]

    private func write(_ request: CanonicalRequest, _ dialect: Dialect) throws -> TranslatedRequest {
        try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: Self.models[dialect] ?? "m"))
    }

    private func read(_ body: [UInt8], _ dialect: Dialect) throws -> CanonicalRequest {
        try body.withUnsafeBytes { try readCanonicalRequest($0, in: dialect) }
    }

    /// The request without what stands in a path, or what a dialect's reader takes for granted.
    private func comparable(_ request: CanonicalRequest, _ dialect: Dialect) -> CanonicalRequest {
        var request = request
        (request.model, request.stream, request.includeUsage) = ("", false, false)
        if dialect != .openAIResponses, dialect != .openAIChat {
            for index in request.tools.indices where request.tools[index].strict == false { request.tools[index].strict = nil }
        }
        guard dialect == .ollama || dialect == .gemini else { return request }
        // Ids are not told there, or minted anew.
        for message in request.messages.indices {
            for block in request.messages[message].blocks.indices {
                switch request.messages[message].blocks[block].part {
                case .toolCall(var call):
                    call.id = "id"
                    request.messages[message].blocks[block].part = .toolCall(call)
                case .toolResult(var result):
                    result.callID = "id"
                    request.messages[message].blocks[block].part = .toolResult(result)
                default: break
                }
            }
        }
        return request
    }

    /// Gemini 3 wants the running turn's calls signed, so the conversation goes on behind a user's words.
    @Test(arguments: TableRow.rows, translatableDialects)
    func everyCellIsKept(_ row: TableRow, _ dialect: Dialect) throws {
        var request = TableRow.conversation()
        row.apply(&request)
        switch row.verdict(dialect) {
        case .maps:
            let written = try write(request, dialect)
            #expect(written.dropped == [])
            let again = comparable(try read(written.body, dialect), dialect)
            #expect(again == comparable(request, dialect), "\(String(decoding: written.body, as: UTF8.self))")
        case .becomes:
            let written = try write(request, dialect)
            #expect(written.dropped == [])
            // It is the dialect's own: saying it once more changes nothing.
            let again = try read(written.body, dialect)
            #expect(comparable(try read(write(again, dialect).body, dialect), dialect) == comparable(again, dialect))
            #expect(again.unmapped == [])
        case .drops(let name):
            let written = try write(request, dialect)
            #expect(written.dropped.joined(separator: ", ") == name)
            // Nothing else is lost with it.
            let again = try read(written.body, dialect)
            #expect(again.messages.count >= TableRow.conversation().messages.count - 1 && again.unmapped == [])
        case .says(let text):
            let written = try write(request, dialect)
            #expect(written.dropped == [] && String(decoding: written.body, as: UTF8.self).contains(text))
        case .refuses(let parameter):
            #expect { try write(request, dialect) } throws: { ($0 as? TranslationRefusal)?.parameter == parameter }
        }
    }

    /// Newer Claudes refuse what older ones took.
    @Test(arguments: [Dialect.anthropicMessages, .bedrockConverse, .bedrockInvoke], ["claude-opus-5", "us.anthropic.claude-sonnet-5-5"])
    func aNewClaudeIsNotAskedToSample(_ dialect: Dialect, _ model: String) throws {
        var request = TableRow.conversation()
        (request.temperature, request.topP, request.topK) = ("0.2", "0.9", "40")
        let written = try writeCanonicalRequest(request, in: dialect, for: TranslationTarget(model: model))
        #expect(written.dropped == ["temperature", "top_p", "top_k"])
        let again = try read(written.body, dialect)
        #expect(again.temperature == nil && again.topP == nil && again.topK == nil && again.maxOutputTokens == 4000)
    }

    @Test(arguments: translatableDialects) func theConversationItselfIsTheIdentity(_ dialect: Dialect) throws {
        let request = TableRow.conversation()
        let written = try write(request, dialect)
        #expect(written.dropped == [])
        #expect(comparable(try read(written.body, dialect), dialect) == comparable(request, dialect))
    }
}
