// ModelList: `/v1/models` as OpenAI's and Anthropic's SDKs read it, with only what the key may use.

package import GatewayModel
import Policy
package import Providers
import WireFormat

/// A model that a route serves, with the first deployment that may be used for it.
package struct RoutedModel: Sendable {
    package var id: String
    package var provider: Provider
    /// The id that goes upstream.
    package var upstream: String
}

extension GatewaySnapshot {
    /// The models of routes that a key may ask for, or everybody's when it is nil.
    package func routedModels(for key: VirtualKey?) -> [RoutedModel] {
        routes.all.flatMap { route -> [RoutedModel] in
            let own = route.deployments.first { one in
                key.map { KeyAccess.allowsModel($0, asked: one.model, provider: one.provider.provider.name, model: one.model) } ?? true
            }
            guard let own else { return [] }
            return route.route.models.map { RoutedModel(id: $0, provider: own.provider.provider, upstream: own.model) }
        }
    }

    /// The models that this key may ask for.
    package func listedModels(for key: VirtualKey) -> [ListedModel] {
        let routed = routedModels(for: key).map { ListedModel(id: $0.id, provider: $0.provider.name) }
        let names = Set(routed.map(\.id))
        let own = models.listedModels().filter {
            !names.contains($0.id) && KeyAccess.allowsModel(key, asked: $0.id, provider: $0.provider, model: $0.id)
        }
        return routed + own
    }
}

/// OpenAI: `{id, object, created, owned_by}`. Anthropic: `{id, type, display_name, created_at}`.
func modelJSON(_ model: ListedModel, isAnthropic: Bool) -> [UInt8] {
    var writer = JSONWriter()
    writeModel(model, isAnthropic: isAnthropic, into: &writer)
    return writer.bytes
}

/// - Parameter isCodex: Codex wants a catalogue of its own form in `models`, and asks three times more without one; of an empty one it
///   keeps its built-in catalogue (seen with 0.163.0).
func modelListJSON(_ models: [ListedModel], isAnthropic: Bool, isCodex: Bool) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    if isCodex {
        writer.beginArray("models")
        writer.endArray()
    }
    if !isAnthropic { writer.field("object", "list") }
    writer.beginArray("data")
    for model in models { writeModel(model, isAnthropic: isAnthropic, into: &writer) }
    writer.endArray()
    if isAnthropic {
        writer.field("has_more", false)
        writer.field("first_id", models.first?.id)
        writer.field("last_id", models.last?.id)
    }
    writer.endObject()
    return writer.bytes
}

private func writeModel(_ model: ListedModel, isAnthropic: Bool, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", model.id)
    if isAnthropic {
        writer.field("type", "model")
        writer.field("display_name", model.id)
        writer.field("created_at", "1970-01-01T00:00:00Z")
    } else {
        writer.field("object", "model")
        writer.field("created", 0)
        writer.field("owned_by", model.provider)
    }
    writer.endObject()
}

/// Gemini: `{name: "models/ID", displayName, inputTokenLimit, outputTokenLimit, supportedGenerationMethods}`.
func geminiModelJSON(_ model: ListedModel) -> [UInt8] {
    var writer = JSONWriter()
    writeGeminiModel(model, into: &writer)
    return writer.bytes
}

func geminiModelListJSON(_ models: [ListedModel]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.beginArray("models")
    for model in models { writeGeminiModel(model, into: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.bytes
}

private func writeGeminiModel(_ model: ListedModel, into writer: inout JSONWriter) {
    let limits = Catalogue.limits(of: model.id)
    writer.beginObject()
    writer.field("name", "models/\(model.id)")
    writer.field("displayName", model.id)
    writer.field("inputTokenLimit", limits.context)
    writer.field("outputTokenLimit", limits.output)
    writer.beginArray("supportedGenerationMethods")
    writer.element("generateContent")
    writer.endArray()
    writer.endObject()
}

/// Ollama: `{models: [{name, model, …}]}`. Sizes and digests are a file's, and there is none here.
func ollamaTagsJSON(_ models: [ListedModel]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.beginArray("models")
    for model in models {
        writer.beginObject()
        writer.field("name", model.id)
        writer.field("model", model.id)
        writer.field("modified_at", "1970-01-01T00:00:00Z")
        writer.field("size", 0)
        writer.field("digest", "")
        writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return writer.bytes
}
