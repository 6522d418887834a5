// HiddenUse: what a request can make its provider bill that the bytes of its body do not bound: pictures, documents, what is kept at
// the provider, and the calls that a provider makes by itself. A pass over the body that is made for budgets which must hold, alone.

package import GatewayModel
import WireFormat

/// What of a request its bytes do not bound.
package struct HiddenUse: Sendable, Hashable {
    /// A member of the request that nothing bounds, as its author would name it, and what would.
    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var mend: String

        package init(_ name: String, mend: String) {
            self.name = name
            self.mend = mend
        }
    }

    /// Pictures, in the body or by reference.
    package var images: Int64 = 0
    /// Bytes of the body that are pictures and documents, and no text.
    package var mediaBytes: Int64 = 0
    /// What is read may be all that the model's context holds: a document, sound, a film, or what the provider kept. Names the first.
    package var fillsContext: String?
    /// How often the model may be asked again by the provider itself, each time with as much as its context holds.
    package var furtherCalls: Int64 = 0
    /// By how much the output that was asked for may be written again.
    package var furtherOutputs: Int64 = 0
    /// Searches and fetches that the provider may make and bill by the call.
    package var searches: Int64 = 0
    package var fetches: Int64 = 0
    /// What a provider says to the model about tools of its own making, in tokens.
    package var toolTokens: Int64 = 0
    /// Output that is billed though it was not asked for, in tokens.
    package var rejectedOutput: Int64 = 0
    /// The output that one choice may have, as the body says it; nil where it says nothing.
    package var outputCap: Int64?
    package var choices: Int64 = 1
    /// Calls are bounded once the request says at most how many: `max_tool_calls` is absent, and may be set.
    package var needsCallCap = false
    /// What nothing bounds.
    package var unbounded: Parameter?

    package static let none = HiddenUse()

    package init() {}

    /// - Parameter callsUnlessCapped: how many calls of hosted tools a Responses request is counted with that says no number; it has to
    ///   be asked for then.
    package init(_ endpoint: Endpoint, body: UnsafeRawBufferPointer, callsUnlessCapped: Int64) {
        var reader = HiddenUseReader(dialect: endpoint.dialect)
        visitJSONMembers(body) { reader.read($0) }
        self = reader.finish(callsUnlessCapped: callsUnlessCapped)
    }
}

/// Reads a body that `readRequest` has found good.
struct HiddenUseReader {
    let dialect: Dialect
    var use = HiddenUse()
    /// Hosted tools of a Responses request whose calls `max_tool_calls` counts together, and whether they are searches.
    var cappedTools = 0
    var cappedSearches = false
    private var asked = OutputAsked()
    private var maxToolCalls: Int64?

    init(dialect: Dialect) { self.dialect = dialect }

    /// The first one stays: it is what the refusal names.
    mutating func refuse(_ name: String, mend: String) {
        if use.unbounded == nil { use.unbounded = HiddenUse.Parameter(name, mend: mend) }
    }

    mutating func fill(_ name: String) {
        if use.fillsContext == nil { use.fillsContext = name }
    }

    // MARK: The body's own members

    mutating func read(_ member: JSONMember) {
        asked.read(member, dialect)
        guard member.kind == .object || member.kind == .array else {
            readScalar(member)
            return
        }
        if member.isNamed("messages") || member.isNamed("input") || member.isNamed("contents") || member.isNamed("system") {
            readContent(member)
        } else if member.isNamed("systemInstruction") || member.isNamed("system_instruction") {
            readPart(member.value)
        } else if member.isNamed("tools") {
            readTools(member.value)
        } else if member.isNamed("toolConfig"), dialect == .bedrockConverse {
            visitJSONMembers(member.value) { if $0.isNamed("tools") { readTools($0.value) } }
        } else if member.isNamed("prediction") {
            // Rejected tokens of a prediction are billed as output (protocols.md, section 1.2).
            use.rejectedOutput += Int64(member.value.count)
        } else if member.isNamed("images") {
            readImages(member.value)
        } else if member.isNamed("conversation") {
            fill("conversation")
        } else if member.isNamed("context_management") {
            readContextManagement(member.value)
        } else {
            readWhatNothingBounds(member)
        }
    }

    private mutating func readScalar(_ member: JSONMember) {
        guard member.kind != .null else { return }
        if member.isNamed("max_tool_calls") {
            maxToolCalls = member.integer
        } else if member.isNamed("previous_response_id") || member.isNamed("conversation") || member.isNamed("cachedContent")
            || member.isNamed("cached_content")
        {
            fill(member.key)
        } else if member.isNamed("enable_search"), member.boolean == true {
            refuse("enable_search", mend: "leave it out")
        }
    }

    /// Searches of chat endpoints, which have no cap; prompts and servers of tools that are kept elsewhere; other models than the one
    /// that is priced.
    private mutating func readWhatNothingBounds(_ member: JSONMember) {
        guard !isEmpty(member.value) || member.isNamed("web_search_options") else { return }
        for name: StaticString in ["web_search_options", "search_parameters", "plugins", "mcp_servers"] where member.isNamed(name) {
            refuse(name.description, mend: "leave it out")
        }
        if member.isNamed("prompt"), dialect == .openAIResponses {
            refuse("prompt", mend: "send the instructions and tools themselves")
        }
        for name: StaticString in ["fallbacks", "models"] where member.isNamed(name) {
            refuse(name.description, mend: "leave it out: it names models with prices of their own")
        }
    }

    private func isEmpty(_ container: UnsafeRawBufferPointer) -> Bool {
        container.dropFirst().allSatisfy { [32, 9, 10, 13, 93, 125].contains($0) }
    }

    /// A compaction asks the model once more.
    private mutating func readContextManagement(_ bytes: UnsafeRawBufferPointer) {
        var compacts = false
        func look(_ list: UnsafeRawBufferPointer) {
            visitJSONElements(list) { _, value in
                visitJSONMembers(value) { if $0.isNamed("type"), $0.string?.hasPrefix("compact") == true { compacts = true } }
                return true
            }
        }
        if bytes.first == 91 { look(bytes) } else { visitJSONMembers(bytes) { if $0.isNamed("edits") { look($0.value) } } }
        if compacts {
            use.furtherCalls += 1
            use.furtherOutputs += 1
        }
    }

    mutating func finish(callsUnlessCapped: Int64) -> HiddenUse {
        use.outputCap = asked.cap
        use.choices = max(1, asked.choices)
        if let odd = asked.odd { refuse(odd, mend: "say it as a whole number from 0 on") }
        guard cappedTools > 0 else { return use }
        if maxToolCalls == nil { use.needsCallCap = true }
        let calls = min(max(0, maxToolCalls ?? callsUnlessCapped), 1_000_000)
        use.furtherCalls += calls
        if cappedSearches { use.searches += calls }
        return use
    }
}
