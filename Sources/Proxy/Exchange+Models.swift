// Exchange+Models: the answer to "which models are there", in the shape that the caller's SDK reads.

import Dialects
import GatewayModel
import Providers
import WireFormat

extension Exchange {
    /// `/v1/models` in the shape that the caller's SDK reads: Anthropic's when it says `anthropic-version`.
    func answerModels() throws(GatewayError) {
        guard let key else { throw .missingKey }
        let listed = snapshot.listedModels(for: key.value)
        if isFromGoogleClient {
            try answerGeminiModels(listed)
            return
        }
        if head.path == "/api/tags" {
            sendLocal(200, [("Content-Type", "application/json")], ollamaTagsJSON(listed))
            return
        }
        let isAnthropic = head.fields.first("anthropic-version") != nil
        if let id = target.id {
            guard let model = listed.first(where: { $0.id == id }) else { throw .unknownModel(model: id, suggestions: []) }
            sendLocal(200, [("Content-Type", "application/json")], modelJSON(model, isAnthropic: isAnthropic))
        } else {
            let isCodex = head.fields.string("originator")?.hasPrefix("codex") ?? false
            sendLocal(
                200, [("Content-Type", "application/json")],
                modelListJSON(listed, isAnthropic: isAnthropic, isCodex: isCodex))
        }
    }

    /// Google's SDKs say themselves by the path, by where the key stands, or by a field of theirs.
    private var isFromGoogleClient: Bool {
        head.path.hasPrefix("/v1beta/") || head.fields.first("x-goog-api-key") != nil || head.fields.first("x-goog-api-client") != nil
            || splitQueryKey(head.query).key != nil
    }

    private func answerGeminiModels(_ listed: [ListedModel]) throws(GatewayError) {
        var found = listed
        if let id = target.id {
            found = listed.filter { $0.id == id }
            if found.isEmpty { throw .unknownModel(model: id, suggestions: []) }
        }
        sendLocal(
            200, [("Content-Type", "application/json")],
            target.id == nil ? geminiModelListJSON(found) : geminiModelJSON(found[0]))
    }
}
