// RequestTable: what becomes of each thing that a request can ask, in each dialect that it may have to be said in: the tables of
// protocols.md, section 9.1, as values. `RequestTableTests` holds the code to every cell.

import Dialects
import GatewayModel

/// What a dialect makes of a thing.
enum Verdict: Sendable, Hashable {
    /// It maps: reading what was written gives the same request.
    case maps
    /// It maps to something of the dialect's own, which reads back as this dialect says it.
    case becomes
    /// It maps to this text, which only its provider reads.
    case says(String)
    /// It is left out and named so; several names with a comma.
    case drops(String)
    /// It is refused, naming this parameter.
    case refuses(String)
}

/// One row of the table.
struct TableRow: Sendable, CustomStringConvertible {
    let name: String
    let apply: @Sendable (inout CanonicalRequest) -> Void
    /// What most dialects make of it.
    let usually: Verdict
    let but: [Dialect: Verdict]

    var description: String { name }

    init(
        _ name: String, _ usually: Verdict, _ but: [Dialect: Verdict] = [:], _ apply: @escaping @Sendable (inout CanonicalRequest) -> Void
    ) {
        (self.name, self.usually, self.but, self.apply) = (name, usually, but, apply)
    }

    func verdict(_ dialect: Dialect) -> Verdict { but[dialect] ?? (dialect == .bedrockInvoke ? but[.anthropicMessages] : nil) ?? usually }

    /// A user's words, a call and its result, and another question.
    static func conversation() -> CanonicalRequest {
        var request = CanonicalRequest()
        request.maxOutputTokens = 4000
        let call = CanonicalToolCall(id: "call_1", name: "look", arguments: #"{"x":"é"}"#)
        request.messages = [
            CanonicalMessage(.user, [.text("hello")]), CanonicalMessage(.assistant, [CanonicalBlock(.toolCall(call))]),
            CanonicalMessage(.tool, [CanonicalBlock(.toolResult(CanonicalToolResult(callID: "call_1", content: [.text("seen")])))]),
            CanonicalMessage(.assistant, [.text("And?")]), CanonicalMessage(.user, [.text("go on")]),
        ]
        var look = CanonicalTool(name: "look", description: "looks", schema: Array(#"{"type":"object"}"#.utf8))
        look.strict = false
        request.tools = [look]
        return request
    }

    private static func inUser(_ part: CanonicalPart) -> @Sendable (inout CanonicalRequest) -> Void {
        { $0.messages[4].blocks.append(CanonicalBlock(part)) }
    }

    private static func inResult(_ part: CanonicalPart, isError: Bool = false) -> @Sendable (inout CanonicalRequest) -> Void {
        { request in
            let result = CanonicalToolResult(callID: "call_1", content: [.text("seen"), CanonicalBlock(part)], isError: isError)
            request.messages[2].blocks = [CanonicalBlock(.toolResult(result))]
        }
    }

    private static func answered(_ part: CanonicalPart) -> @Sendable (inout CanonicalRequest) -> Void {
        { $0.messages[3].blocks.insert(CanonicalBlock(part), at: 0) }
    }

    private static let png = CanonicalMedia.base64(mediaType: "image/png", data: "AAAA")
    private static let pdf = CanonicalMedia.base64(mediaType: "application/pdf", data: "JVBERi0=")

    static let rows: [TableRow] =
        messages + tools + settings
        + [
            TableRow("several wishes at once", .becomes, [.openAIResponses: .refuses("stop")]) { request in
                request.temperature = "0.5"
                request.stopSequences = ["END"]
                request.toolChoice = .auto
            }
        ]

    private static let messages: [TableRow] = [
        TableRow("system", .maps) { $0.messages.insert(CanonicalMessage(.system, [.text("be brief")]), at: 0) },
        TableRow(
            "system later on", .drops("messages[].role:system"), [.openAIChat: .maps, .openAIResponses: .maps, .ollama: .maps]
        ) { $0.messages.append(CanonicalMessage(.system, [.text("be brief")])) },
        TableRow("image", .maps, [:], inUser(.image(png, detail: nil))),
        TableRow(
            "image by URL", .maps, [.bedrockConverse: .refuses("image_url.url"), .ollama: .refuses("image_url.url")],
            inUser(.image(.url("https://example.com/a.png"), detail: nil))),
        TableRow(
            "image detail", .drops("image_url.detail"), [.openAIChat: .maps, .openAIResponses: .maps], inUser(.image(png, detail: "high"))),
        TableRow("PDF", .maps, [.ollama: .refuses("file"), .gemini: .drops("file.filename")], inUser(.document(pdf, name: "a"))),
        TableRow(
            "file of one provider", .refuses("file_id"),
            [
                .openAIChat: .refuses("document.source"), .openAIResponses: .refuses("document.source.file_id"),
                .ollama: .refuses("file"),
            ], inUser(.document(.file(id: "file_1"), name: nil))),
        TableRow(
            "audio", .refuses("input_audio"), [.openAIChat: .maps, .openAIResponses: .maps, .gemini: .maps],
            inUser(.audio(data: "AAAA", format: "wav"))),
        TableRow(
            "error of a tool", .maps, [.openAIChat: .becomes, .openAIResponses: .becomes, .ollama: .becomes],
            { request in
                let result = CanonicalToolResult(callID: "call_1", content: [.text("no such file")], isError: true)
                request.messages[2].blocks = [CanonicalBlock(.toolResult(result))]
            }),
        TableRow(
            "image of a tool", .maps, [.openAIChat: .becomes, .ollama: .becomes], inResult(.image(png, detail: nil))),
        TableRow(
            "PDF of a tool", .maps, [.openAIChat: .becomes, .ollama: .refuses("file"), .gemini: .drops("file.filename")],
            inResult(.document(pdf, name: "a"))),
        TableRow(
            "thinking of Claude's", .drops("messages[].thinking"), [.anthropicMessages: .maps, .bedrockConverse: .maps],
            answered(.thinking("hm", signature: "c2ln"))),
        TableRow(
            "thinking that is sealed", .drops("messages[].thinking"), [.anthropicMessages: .maps, .bedrockConverse: .maps],
            answered(.redactedThinking("ZGF0YQ=="))),
        TableRow(
            "reasoning of OpenAI's", .drops("messages[].thinking"), [.openAIResponses: .says(#""encrypted_content":"gAAAA""#)],
            answered(.thinking("hm", signature: "weir-reasoning:rs_1:gAAAA"))),
        TableRow(
            "thinking of Gemini's", .drops("messages[].thinking"), [.gemini: .becomes],
            answered(.thinking("hm", signature: "weir-gemini:t:c2ln"))),
        TableRow(
            "thinking that nobody signed", .drops("messages[].thinking"),
            [
                .anthropicMessages: .drops("messages[].reasoning_content"), .bedrockConverse: .drops("messages[].reasoning_content"),
                .ollama: .maps, .gemini: .maps,
            ], answered(.thinking("hm", signature: nil))),
        TableRow("cache mark", .maps, [.gemini: .drops("cache_control"), .ollama: .drops("cache_control")]) {
            $0.messages[4].blocks[0].cache = .short
        },
        TableRow("cache mark for long", .maps, [.gemini: .drops("cache_control"), .ollama: .drops("cache_control")]) {
            $0.messages[4].blocks[0].cache = .long
        },
        TableRow(
            "cache mark behind a result", .maps,
            [.openAIChat: .becomes, .openAIResponses: .becomes, .gemini: .drops("cache_control"), .ollama: .drops("cache_control")]
        ) { $0.messages[2].blocks[0].cache = .short },
        TableRow(
            "five cache marks", .drops("prompt_cache_breakpoint"),
            [.openAIChat: .maps, .openAIResponses: .maps, .gemini: .drops("cache_control"), .ollama: .drops("cache_control")]
        ) { $0.messages[4].blocks = ["a", "b", "c", "d", "e"].map { CanonicalBlock(.text($0), cache: .short) } },
    ]

    private static let tools: [TableRow] = [
        TableRow("strict tool", .maps, [.gemini: .drops("tools[].strict"), .ollama: .drops("tools[].strict")]) {
            $0.tools[0].strict = true
        },
        TableRow("tool of free text", .becomes, [.openAIChat: .maps, .openAIResponses: .maps]) {
            $0.tools.append(CanonicalTool(name: "patch", description: "patches", isCustom: true))
        },
        TableRow(
            "cache mark behind a tool", .maps,
            [
                .openAIChat: .drops("tools[].cache_control"), .openAIResponses: .drops("tools[].cache_control"),
                .gemini: .drops("cache_control"), .ollama: .drops("cache_control"),
            ]
        ) { $0.tools[0].cache = .short },
        TableRow("choice: auto", .maps, [.ollama: .becomes]) { $0.toolChoice = .auto },
        TableRow("choice: none", .maps, [.bedrockConverse: .refuses("tool_choice"), .ollama: .becomes]) {
            $0.toolChoice = CanonicalToolChoice.none
        },
        TableRow("choice: required", .maps, [.ollama: .drops("tool_choice")]) { $0.toolChoice = .required },
        TableRow("choice: one tool", .maps, [.ollama: .drops("tool_choice")]) { $0.toolChoice = .named("look") },
        TableRow(
            "choice among some", .drops("tool_choice.allowed_tools"),
            [.openAIChat: .maps, .openAIResponses: .maps, .gemini: .maps, .ollama: .drops("tool_choice.allowed_tools, tool_choice")],
            { request in
                request.tools += ["see", "hear"].map { CanonicalTool(name: $0, description: "d", schema: Array("{}".utf8)) }
                for index in request.tools.indices { request.tools[index].strict = false }
                request.toolChoice = .required
                request.allowedTools = ["look", "see"]
            }),
        TableRow("no parallel calls", .maps, [.gemini: .drops("parallel_tool_calls"), .ollama: .drops("parallel_tool_calls")]) {
            $0.parallelToolCalls = false
            $0.toolChoice = .auto
        },
    ]

    private static let settings: [TableRow] = [
        TableRow("effort", .becomes, [.openAIChat: .maps, .openAIResponses: .becomes, .ollama: .drops("reasoning_effort:high")]) {
            $0.reasoning = CanonicalReasoning(effort: "high")
        },
        TableRow("no thinking", .maps, [.openAIChat: .becomes, .openAIResponses: .becomes, .gemini: .drops("reasoning_effort:none")]) {
            $0.reasoning = CanonicalReasoning()
            $0.reasoning?.isOff = true
        },
        TableRow("length", .maps) { $0.maxOutputTokens = 77 },
        TableRow("length below what is possible", .maps, [.openAIResponses: .drops("max_tokens:5")]) { $0.maxOutputTokens = 5 },
        TableRow("schema of the answer", .becomes, [.openAIChat: .maps, .openAIResponses: .maps, .bedrockConverse: .maps]) {
            $0.format = .jsonSchema(name: "shape", schema: Array(#"{"type":"object","x":"\"é\""}"#.utf8), strict: true)
        },
        TableRow("any JSON", .maps, [.anthropicMessages: .drops("response_format"), .bedrockConverse: .drops("response_format")]) {
            $0.format = .jsonObject
        },
        TableRow("temperature", .maps) { $0.temperature = "0.70" },
        TableRow("temperature above 1", .maps, [.anthropicMessages: .drops("temperature"), .bedrockConverse: .drops("temperature")]) {
            $0.temperature = "1.5"
        },
        TableRow("top_p", .maps) { $0.topP = "0.95" },
        TableRow("top_k", .maps, [.openAIChat: .drops("top_k"), .openAIResponses: .drops("top_k")]) { $0.topK = "40" },
        TableRow("stop sequences", .maps, [.openAIResponses: .refuses("stop")]) { $0.stopSequences = ["END", "\n\nHuman:"] },
        TableRow(
            "six stop sequences", .maps,
            [
                .openAIResponses: .refuses("stop"), .openAIChat: .drops("stop_sequences[4...]"),
                .gemini: .drops("stop_sequences[5...]"),
            ]
        ) { $0.stopSequences = ["a", "b", "c", "d", "e", "f"] },
        TableRow("seed", .drops("seed"), [.openAIChat: .maps, .gemini: .maps, .ollama: .maps]) { $0.sampling["seed"] = Array("7".utf8) },
        TableRow("penalties", .drops("presence_penalty"), [.openAIChat: .maps, .gemini: .maps, .ollama: .maps]) {
            $0.sampling["presence_penalty"] = Array("0.5".utf8)
        },
        TableRow("logit_bias", .drops("logit_bias"), [.openAIChat: .maps]) { $0.sampling["logit_bias"] = Array(#"{"5":1}"#.utf8) },
        TableRow("several answers", .refuses("n"), [.openAIChat: .maps]) { $0.sampling["n"] = Array("2".utf8) },
        TableRow("user", .maps, [.gemini: .drops("user"), .ollama: .drops("user")]) { $0.userID = "maria@acme" },
        TableRow("tier", .maps, [.anthropicMessages: .drops("service_tier"), .ollama: .drops("service_tier")]) { $0.serviceTier = "flex" },
        TableRow("verbosity", .drops("verbosity"), [.openAIChat: .maps, .openAIResponses: .maps]) { $0.verbosity = "low" },
        TableRow("hint to a cache", .becomes, [.openAIChat: .maps, .openAIResponses: .maps]) { $0.promptCacheKey = "k" },
        TableRow("what no reader knows", .drops("made_up")) { $0.unmapped = ["made_up"] },
    ]
}
