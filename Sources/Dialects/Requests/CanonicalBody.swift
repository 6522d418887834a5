// CanonicalBody: what of a request decides its answer, in one order and without white space, so that two requests that mean exactly the
// same are known to. Only what has no meaning is taken out: nothing is guessed, and values are left as they are written.

package import GatewayModel
package import WireFormat

/// What an exact answer depends on.
package struct CanonicalBody: Sendable {
    /// The members that matter, each with its name, sorted by name.
    package var bytes: [UInt8] = []
    /// The model may call something.
    package var hasTools = false
    /// The answer stands for something that the provider keeps, or goes on with what it kept.
    package var isStateful = false

    /// Reads a body that `readRequest` has found good.
    package init(_ endpoint: Endpoint, body: UnsafeRawBufferPointer) {
        var members: [(name: [UInt8], value: UnsafeRawBufferPointer)] = []
        var storesUnlessSaid = endpoint.dialect == .openAIResponses
        visitJSONMembers(body) { member in
            if Self.isMeaningless(member, in: endpoint.dialect) { return }
            if Self.isTools(member) { hasTools = true }
            if member.isNamed("store") {
                storesUnlessSaid = false
                if member.boolean != false { isStateful = true }
            }
            if member.isNamed("previous_response_id") || member.isNamed("conversation") || member.isNamed("background") {
                if member.kind != .null, member.boolean != false { isStateful = true }
            }
            members.append((Array(member.rawKey), member.value))
        }
        if storesUnlessSaid { isStateful = true }
        members.sort { $0.name.lexicographicallyPrecedes($1.name) }
        bytes.reserveCapacity(body.count)
        for member in members {
            // Names and values have their lengths, so that no two bodies run together.
            bytes.append(contentsOf: member.name)
            bytes.append(0)
            appendWithoutSpace(member.value, to: &bytes)
            bytes.append(0)
        }
    }

    /// Who asks, and for whose statistics: no model reads it, and no answer holds it.
    private static func isMeaningless(_ member: JSONMember, in dialect: Dialect) -> Bool {
        switch dialect {
        case .anthropicMessages: member.isNamed("metadata")
        case .openAIChat, .openAICompletions, .openAIEmbeddings:
            member.isNamed("user") || member.isNamed("safety_identifier") || member.isNamed("prompt_cache_key")
        case .openAIResponses, .gemini, .ollama, .bedrockConverse, .bedrockInvoke: false
        }
    }

    private static func isTools(_ member: JSONMember) -> Bool {
        guard member.kind != .null else { return false }
        if member.isNamed("tools") || member.isNamed("functions") {
            var isEmpty = true
            visitJSONElements(member.value) { _, _ in
                isEmpty = false
                return false
            }
            return !isEmpty
        }
        return member.isNamed("toolConfig") || member.isNamed("web_search_options") || member.isNamed("mcp_servers")
            || member.isNamed("container")
    }
}

/// Copies JSON without the white space between its parts.
private func appendWithoutSpace(_ json: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    var index = 0
    while index < json.count {
        let byte = json[index]
        if byte == 34 {
            let start = index
            index += 1
            while index < json.count, json[index] != 34 { index += json[index] == 92 ? 2 : 1 }
            index = min(index + 1, json.count)
            out.append(contentsOf: UnsafeRawBufferPointer(rebasing: json[start..<index]))
            continue
        }
        if byte != 32, byte != 9, byte != 10, byte != 13 { out.append(byte) }
        index += 1
    }
}
