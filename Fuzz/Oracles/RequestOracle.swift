// RequestOracle: what must hold of the request reader, the splices and attribution for any body.

package import Dialects
package import GatewayModel
import WireFormat

/// Reads a request body, or says why it is refused.
package func parseBody(_ endpoint: Endpoint, _ body: [UInt8]) -> Result<RequestHead, GatewayError> {
    do throws(GatewayError) {
        return .success(
            try body.withBytes { (text) throws(GatewayError) in
                try readRequest(endpoint, model: endpoint.namesModelInPath ? "m" : nil, body: text, depthMax: 128)
            })
    } catch {
        return .failure(error)
    }
}

/// The first byte chooses the endpoint, the rest is the body.
package func checkBody(_ input: [UInt8]) -> Finding? {
    guard let choice = input.first else { return nil }
    let endpoint = [Endpoint.chatCompletions, .completions, .embeddings, .responses, .messages][Int(choice % 5)]
    let body = Array(input.dropFirst())
    if let finding = checkLabels(body) { return finding }
    guard case .success(let head) = parseBody(endpoint, body) else { return nil }
    if !scanWhole(body).isValid { return "a body was read that is no JSON" }
    if let splice = head.usageSplice {
        if !head.stream || head.includesUsage { return "usage was asked for where it should not be" }
        let spliced = body.withUnsafeBytes { applySplices([splice], to: $0) }
        guard case .success(let asked) = parseBody(endpoint, spliced) else { return "the usage splice broke the body" }
        if !asked.includesUsage || asked.model != head.model { return "the usage splice did not ask for usage" }
    }
    guard let splice = modelSplice(head, "other/model \"x\"") else { return "the model has no place" }
    let spliced = body.withUnsafeBytes { applySplices([splice], to: $0) }
    guard case .success(let renamed) = parseBody(endpoint, spliced) else { return "the model splice broke the body" }
    if renamed.model != "other/model \"x\"" { return "the model splice did not change the model" }
    if let finding = checkSameness(endpoint, body, renamed: head.model == renamed.model ? nil : spliced) { return finding }
    return renamed.openerHash == head.openerHash && renamed.stream == head.stream
        ? nil : "the model splice changed more"
}

/// What the response cache takes for the same request, and the prompt watch for the same prompt.
private func checkSameness(_ endpoint: Endpoint, _ body: [UInt8], renamed: [UInt8]?) -> Finding? {
    func canonical(_ body: [UInt8]) -> CanonicalBody { body.withUnsafeBytes { CanonicalBody(endpoint, body: $0) } }
    func outline(_ body: [UInt8]) -> PromptOutline { body.withUnsafeBytes { readOutline(endpoint, body: $0) } }
    guard let brace = body.firstIndex(of: 123) else { return nil }
    let spaced = Array(body[...brace]) + Array(" \r\n\t".utf8) + Array(body[(brace + 1)...])
    if canonical(spaced).bytes != canonical(body).bytes { return "white space makes another request for the cache" }
    if outline(spaced) != outline(body) { return "white space makes another prompt" }
    guard let renamed else { return nil }
    if canonical(renamed).bytes == canonical(body).bytes { return "two models are one request for the cache" }
    return outline(renamed) == outline(body) ? nil : "a model's name is a part of the prompt"
}

/// Anything may stand in headers: no label may hold a control character.
private func checkLabels(_ bytes: [UInt8]) -> Finding? {
    let text = String(decoding: bytes.prefix(2048), as: UTF8.self)
    _ = normaliseRepository(text)
    _ = bytes.withUnsafeBytes { rewriteCodexMetadata($0) }
    let fields = HTTPFields([
        ("x-weir-repo", text), ("x-codex-turn-metadata", text), ("baggage", text), ("user-agent", text),
        ("x-weir-tag-a", text), ("x-api-key", String(repeating: "k", count: VirtualKey.textBytes) + "." + text),
        ("authorization", "Bearer " + String(repeating: "k", count: VirtualKey.textBytes) + "." + base64URL(bytes)),
    ])
    var request = RequestHead()
    request.metadataUserID = text
    request.clientMetadata = 0..<bytes.count
    let key = VirtualKey(
        id: "0123456789", principal: Principal(keyID: "0123456789", workspace: "w", team: "t"), secrets: [])
    let found = bytes.withUnsafeBytes { AttributionReader.read(fields: fields, request: request, body: $0, key: key) }
    let labels =
        [found.session, found.parentSession, found.agent, found.repository, found.branch, found.commit]
        .compactMap { $0?.value } + found.tags.values
    let isClean = labels.allSatisfy {
        $0.unicodeScalars.allSatisfy { $0.value >= 32 && !(127...159).contains($0.value) }
    }
    return isClean ? nil : "a label holds a control character: \(labels)"
}
