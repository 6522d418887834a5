// CanonicalRequest: what a request means, whichever dialect says it. One reader a dialect makes it, one writer a dialect says it
// again; what a dialect cannot say is named in `dropped` or refused, never silently lost.

package import GatewayModel

/// Who speaks.
package enum CanonicalRole: Sendable, Hashable {
    case system, user, assistant
    /// Results of tool calls. Some dialects carry them in a user turn.
    case tool
}

/// How long a prompt cache entry that ends here should live.
package enum CachePeriod: Sendable, Hashable {
    /// Anthropic's 5 minutes, OpenAI's 30 minutes.
    case short
    /// Anthropic's 1 hour, OpenAI's 12 hours.
    case long
}

/// Where the bytes of an image or a document are.
package enum CanonicalMedia: Sendable, Hashable {
    case base64(mediaType: String, data: String)
    case url(String)
    /// A file that was uploaded to one provider and means nothing to another.
    case file(id: String)
}

/// A tool that the model called.
package struct CanonicalToolCall: Sendable, Hashable {
    package var id: String
    package var name: String
    /// The arguments as JSON text, or the free text of a custom tool.
    package var arguments: String
    package var isCustom = false

    package init(id: String, name: String, arguments: String, isCustom: Bool = false) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.isCustom = isCustom
    }
}

/// What a tool answered.
package struct CanonicalToolResult: Sendable, Hashable {
    package var callID: String
    package var content: [CanonicalBlock]
    package var isError = false

    package init(callID: String, content: [CanonicalBlock], isError: Bool = false) {
        self.callID = callID
        self.content = content
        self.isError = isError
    }
}

/// One piece of a message.
package enum CanonicalPart: Sendable, Hashable {
    case text(String)
    case refusal(String)
    case image(CanonicalMedia, detail: String?)
    case document(CanonicalMedia, name: String?)
    case audio(data: String, format: String)
    case toolCall(CanonicalToolCall)
    case toolResult(CanonicalToolResult)
    /// Thinking that the model showed. Its signature proves it to the provider that made it, byte for byte.
    case thinking(String, signature: String?)
    /// Thinking that only its provider can read.
    case redactedThinking(String)
}

/// A piece with its cache mark.
package struct CanonicalBlock: Sendable, Hashable {
    package var part: CanonicalPart
    package var cache: CachePeriod?

    package init(_ part: CanonicalPart, cache: CachePeriod? = nil) {
        self.part = part
        self.cache = cache
    }

    package static func text(_ text: String) -> CanonicalBlock { CanonicalBlock(.text(text)) }
}

/// One message of the conversation.
package struct CanonicalMessage: Sendable, Hashable {
    package var role: CanonicalRole
    package var blocks: [CanonicalBlock]

    package init(_ role: CanonicalRole, _ blocks: [CanonicalBlock]) {
        self.role = role
        self.blocks = blocks
    }
}

/// A tool that the model may call.
package struct CanonicalTool: Sendable, Hashable {
    /// The name that the model sees; of a tool in a namespace, both: `namespace__tool`.
    package var name: String
    /// Codex groups tools in namespaces, which only Responses know.
    package var namespace: String?
    package var description: String?
    /// The JSON schema of its arguments, as the client wrote it; nil for a custom tool of free text.
    package var schema: [UInt8]?
    package var strict: Bool?
    package var isCustom = false
    package var cache: CachePeriod?

    package init(name: String, description: String? = nil, schema: [UInt8]? = nil, strict: Bool? = nil, isCustom: Bool = false) {
        self.name = name
        self.description = description
        self.schema = schema
        self.strict = strict
        self.isCustom = isCustom
    }

    /// The name inside its namespace.
    package var innerName: String { namespace.map { String(name.dropFirst($0.count + 2)) } ?? name }

    static func flatName(_ name: String, in namespace: String?) -> String { namespace.map { "\($0)__\(name)" } ?? name }
}

/// Which tool the model must call.
package enum CanonicalToolChoice: Sendable, Hashable {
    case auto, none, required
    case named(String)
}

/// How much the model should think.
package struct CanonicalReasoning: Sendable, Hashable {
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    package var effort: String?
    /// Thinking tokens at most, where a client counts them.
    package var budget: Int64?
    /// Whether the thinking is to be shown: `summarized`, `omitted`, `auto`, `concise`, `detailed`.
    package var display: String?
    package var isOff = false
    package var isAdaptive = false

    package init(effort: String? = nil, budget: Int64? = nil) {
        self.effort = effort
        self.budget = budget
    }
}

/// The shape that the answer must have.
package enum CanonicalFormat: Sendable, Hashable {
    case jsonObject
    /// `schema` is the JSON schema as the client wrote it.
    case jsonSchema(name: String?, schema: [UInt8], strict: Bool?)
}

/// A request in no dialect.
package struct CanonicalRequest: Sendable, Hashable {
    package var model = ""
    package var messages: [CanonicalMessage] = []
    package var tools: [CanonicalTool] = []
    package var toolChoice: CanonicalToolChoice?
    /// Only these of the tools may be called; the others are described all the same, so that the prompt's beginning stays.
    package var allowedTools: [String]?
    /// False forbids several tool calls in one turn.
    package var parallelToolCalls: Bool?
    package var maxOutputTokens: Int64?
    /// Numbers keep the text that they were written as.
    package var temperature: String?
    package var topP: String?
    package var topK: String?
    package var stopSequences: [String] = []
    package var reasoning: CanonicalReasoning?
    /// How many words OpenAI's models make: `low`, `medium`, `high`.
    package var verbosity: String?
    package var format: CanonicalFormat?
    package var stream = false
    /// The client of chat completions wants the usage of a stream.
    package var includeUsage = false
    package var userID: String?
    package var serviceTier: String?
    package var promptCacheKey: String?
    /// Penalties, seed and the like: name in chat completions, JSON value.
    package var sampling: [String: [UInt8]] = [:]
    /// Members that the reader found no meaning for, by name. A writer hands them on as dropped.
    package var unmapped: [String] = []

    package init() {}
}

/// A request cannot be said in the other dialect: the parameter that stands in the way, and why.
package struct TranslationRefusal: Error, Sendable, Hashable {
    package let parameter: String
    package let reason: String

    package init(_ parameter: String, _ reason: String) {
        self.parameter = parameter
        self.reason = reason
    }
}

/// A body in the deployment's dialect, and what it could not carry.
package struct TranslatedRequest: Sendable, Hashable {
    package var body: [UInt8]
    /// Parameters that were left out, for `x-weir-dropped`.
    package var dropped: [String]

    package init(body: [UInt8], dropped: [String]) {
        self.body = body
        self.dropped = dropped
    }
}

/// What a writer must know of the deployment that it writes for.
package struct TranslationTarget: Sendable, Hashable {
    /// The model id that goes upstream.
    package var model: String
    /// The most that the model writes, in tokens; for dialects that want a limit where the client set none.
    package var maxOutputTokens: Int64
    /// How its server departs from its dialect.
    package var traits: ProviderTraits
    /// The model that it is, where an operator's own name or an ARN hides it; what a model takes is read from this.
    package var knownModel: String

    package init(
        model: String, maxOutputTokens: Int64 = 32_000, traits: ProviderTraits = ProviderTraits(), knownModel: String? = nil
    ) {
        self.model = model
        self.maxOutputTokens = maxOutputTokens
        self.traits = traits
        self.knownModel = knownModel ?? model
    }

    /// Whether this model wants its reasoning back with the tool calls that followed it.
    var echoesReasoning: Bool {
        traits.echoesReasoning.contains { $0.hasSuffix("*") ? model.hasPrefix($0.dropLast()) : model == $0 }
    }
}
