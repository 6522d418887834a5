// InvokeEnvelope: Anthropic's Messages as Bedrock's InvokeModel carries them (protocols.md, section 4.3): no `model` and no `stream`, which
// the path says; the version and the betas in the body; events in base64 inside an AWS event stream. The message itself is the same, so it
// goes from one envelope into the other without being understood.

import WireFormat

/// The version that Bedrock takes.
private let bedrockVersion = "bedrock-2023-05-31"

/// Betas that Bedrock knows. It refuses a request that names another.
private let bedrockBetas: Set<String> = [
    "computer-use-2024-10-22", "computer-use-2025-01-24", "computer-use-2025-11-24", "token-efficient-tools-2025-02-19",
    "interleaved-thinking-2025-05-14", "output-128k-2025-02-19", "dev-full-thinking-2025-05-14", "context-1m-2025-08-07",
    "context-management-2025-06-27", "effort-2025-11-24", "tool-search-tool-2025-10-19", "tool-examples-2025-10-29",
    "compact-2026-01-12",
]

/// A body of `/v1/messages` as InvokeModel takes it.
/// - Parameter betas: what the client's `anthropic-beta` fields list.
package func invokeBody(ofMessages body: UnsafeRawBufferPointer, betas: [String]) -> TranslatedRequest {
    let known = betas.filter(bedrockBetas.contains)
    var json = JSONWriter(capacity: body.count + 128)
    json.beginObject()
    json.field("anthropic_version", bedrockVersion)
    if !known.isEmpty {
        json.beginArray("anthropic_beta")
        for beta in known { json.element(beta) }
        json.endArray()
    }
    copyMembers(of: body, without: ["model", "stream", "anthropic_version", "anthropic_beta"], into: &json)
    json.endObject()
    return TranslatedRequest(body: json.bytes, dropped: betas.filter { !bedrockBetas.contains($0) }.map { "anthropic-beta:\($0)" })
}

/// A body of InvokeModel as `/v1/messages` takes it, and the betas that go into a header there.
package func messagesBody(
    ofInvoke body: UnsafeRawBufferPointer, model: String, streams: Bool
) -> (request: TranslatedRequest, betas: [String]) {
    var json = JSONWriter(capacity: body.count + 128)
    json.beginObject()
    json.field("model", model)
    if streams { json.field("stream", true) }
    copyMembers(of: body, without: ["model", "stream", "anthropic_version", "anthropic_beta"], into: &json)
    json.endObject()
    let betas = JSONObjectView(body)?["anthropic_beta"]?.elements?.compactMap(\.string) ?? []
    return (TranslatedRequest(body: json.bytes, dropped: []), betas)
}

/// Whether a body of InvokeModel is one of Claude's. Other vendors' JSON means nothing to another provider.
package func isMessagesBody(_ body: UnsafeRawBufferPointer) -> Bool {
    guard let object = JSONObjectView(body) else { return false }
    return object["anthropic_version"] != nil && object["messages"] != nil
}

private func copyMembers(of body: UnsafeRawBufferPointer, without left: [StaticString], into json: inout JSONWriter) {
    visitJSONMembers(body) { member in
        guard !left.contains(where: { member.isNamed($0) }) else { return }
        json.rawField(named: member.key, member.value)
    }
}

/// Takes events out of one envelope and puts them into the other.
struct MessagesRepacker: Sendable {
    let fromInvoke: Bool

    /// What an event meant for the end of the answer.
    enum Meaning {
        case other, finish, end, failure
    }

    /// Appends one event in the other envelope.
    func repack(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, into out: inout [UInt8]) -> Meaning {
        guard fromInvoke else {
            let type = eventType(data)
            if type == "error" {
                let error = JSONObjectView(data)?["error"]?.object
                let message = error?["message"]?.string ?? "the provider reported an error"
                appendAWSException(FailureKind(code: error?["type"]?.string ?? "").awsException, json: messageBody(message), to: &out)
                return .failure
            }
            appendChunk(data, to: &out)
            return meaning(type, data)
        }
        guard name.elementsEqual("chunk".utf8) else {
            let type = String(decoding: name, as: UTF8.self)
            guard type.hasSuffix("Exception") || type == "error" else { return .other }
            var json = JSONWriter(capacity: 256)
            json.beginObject()
            json.field("type", "error")
            json.beginObject("error")
            json.field("type", FailureKind(code: type).anthropicType)
            json.field("message", JSONObjectView(data)?["message"]?.string ?? "the provider reported an error")
            json.endObject()
            json.endObject()
            append("error", json.bytes, to: &out)
            return .failure
        }
        guard let inner = chunkBytes(data) else { return .other }
        return inner.withUnsafeBytes { event in
            let type = eventType(event)
            append(type, inner, to: &out)
            return type == "error" ? .failure : meaning(type, event)
        }
    }

    private func meaning(_ type: String, _ event: UnsafeRawBufferPointer) -> Meaning {
        switch type {
        case "message_delta": JSONObjectView(event)?["delta"]?.object?["stop_reason"] != nil ? .finish : .other
        case "message_stop": .end
        default: .other
        }
    }

    private func eventType(_ event: UnsafeRawBufferPointer) -> String {
        var type = ""
        visitJSONMembers(event) { if $0.isNamed("type") { type = $0.string ?? "" } }
        return type
    }

    private func append(_ name: String, _ data: [UInt8], to out: inout [UInt8]) {
        out.append(contentsOf: "event: \(name)\ndata: ".utf8)
        out.append(contentsOf: data)
        out.append(contentsOf: "\n\n".utf8)
    }
}

/// Appends one event of the model's own as a chunk.
package func appendChunk(_ event: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    appendAWSEvent("chunk", json: Array(#"{"bytes":""#.utf8) + Base64.encode(event) + Array("\"}".utf8), to: &out)
}
