// MessagesSeer: Anthropic's messages as Anthropic describes them: events with names, blocks that begin and end one after the other.

struct MessagesSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()
    private var open: [Int: (kind: String, id: String, name: String, text: String, signature: String)] = [:]
    private var next = 0
    private var usage: [String: Value] = [:]
    private var isEnded = false

    private static let kinds: Set<String> = ["text", "thinking", "redacted_thinking", "tool_use"]
    private static let deltas = [
        "text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use",
    ]

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        try demand(!isEnded && answer.failure == nil, "an event behind the end")
        if event.name.hasSuffix("Exception") {
            answer.failure = try Value(parsing: event.data)["message"].string ?? "no message"
            return
        }
        let value = try Value(parsing: event.data)
        let type = value["type"].string ?? ""
        try demand(event.name == type, "an event whose name is not its type")
        if answer.id == nil, type != "ping", type != "error" { try demand(type == "message_start", "\(type) before the message") }
        switch type {
        case "message_start":
            let message = value["message"]
            try demand(message["type"].string == "message" && message["role"].string == "assistant", "no message")
            try demand(message["content"].array?.isEmpty == true && !message["stop_reason"].isThere, "a message that is done")
            try demand(message["usage"]["input_tokens"].integer != nil && message["usage"]["output_tokens"].integer != nil, "no usage")
            (answer.id, answer.model) = (message["id"].string, message["model"].string)
            read(usage: message["usage"])
        case "content_block_start": try begin(value["index"].integer ?? -1, value["content_block"])
        case "content_block_delta": try take(value["index"].integer ?? -1, value["delta"])
        case "content_block_stop": try end(value["index"].integer ?? -1)
        case "message_delta":
            try demand(open.isEmpty && answer.stop == nil, "a reason inside a block, or a second one")
            try demand(value["usage"]["output_tokens"].integer != nil, "no usage at the end")
            read(usage: value["usage"])
            if let reason = value["delta"]["stop_reason"].string { try finish(reason, value["delta"]) }
        case "message_stop":
            try demand(answer.stop != nil, "an end without a reason")
            isEnded = true
        case "error":
            try demand(["type", "message"].allSatisfy { value["error"][$0].string != nil }, "an error without its members")
            try demand(Self.errors.contains(value["error"]["type"].string ?? ""), "the error \(value["error"].text)")
            answer.failure = value["error"]["message"].string ?? "no message"
        case "ping": break
        default: try demand(false, "the event \(type)")
        }
    }

    /// What Anthropic documents.
    private static let errors: Set<String> = [
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error", "rate_limit_error",
        "timeout_error", "api_error", "overloaded_error", "conflict_error", "request_too_large",
    ]

    private mutating func begin(_ index: Int, _ block: Value) throws {
        let kind = block["type"].string ?? ""
        try demand(index == next && open.isEmpty, "block \(index) inside another, or out of order")
        try demand(Self.kinds.contains(kind), "a block of \(kind)")
        next += 1
        if kind == "tool_use" {
            try demand(block["id"].string?.isEmpty == false && block["name"].string?.isEmpty == false, "a call without id or name")
            try demand(block["id"].string?.contains(/^[a-zA-Z0-9_-]+$/) == true, "the id \(block["id"].text)")
            try demand(block["input"].object?.isEmpty == true, "a call that begins with arguments")
        }
        if kind == "thinking" { try demand(block["thinking"].string == "" && block["signature"].string == "", "a thought begun with text") }
        let text = kind == "redacted_thinking" ? block["data"].string : block["text"].string ?? block["thinking"].string
        open[index] = (kind, block["id"].string ?? "", block["name"].string ?? "", text ?? "", block["signature"].string ?? "")
    }

    private mutating func take(_ index: Int, _ delta: Value) throws {
        let type = delta["type"].string ?? ""
        try demand(open[index] != nil, "a delta of no block")
        try demand(Self.deltas[type] == open[index]?.kind, "\(type) in \(open[index]?.kind ?? "nothing")")
        switch type {
        case "text_delta": open[index]?.text += delta["text"].string ?? ""
        case "thinking_delta": open[index]?.text += delta["thinking"].string ?? ""
        case "input_json_delta": open[index]?.text += delta["partial_json"].string ?? ""
        case "signature_delta": open[index]?.signature += delta["signature"].string ?? ""
        default: break
        }
    }

    private mutating func end(_ index: Int) throws {
        guard let block = open.removeValue(forKey: index) else {
            try demand(false, "the end of no block")
            return
        }
        switch block.kind {
        case "text": answer.append(.text(block.text))
        case "thinking": answer.append(.thinking(block.text, signature: block.signature.isEmpty ? nil : block.signature))
        case "redacted_thinking": answer.append(.redacted(block.text))
        case "tool_use": answer.append(.call(id: block.id, name: block.name, arguments: Value.arguments(block.text)))
        default: break
        }
    }

    mutating func finish() throws {
        answer.isWhole = isEnded
        try demand(isEnded || answer.failure != nil || answer.stop == nil, "a reason and no end")
        for (_, block) in open.sorted(by: { $0.key < $1.key }) where block.kind == "text" { answer.append(.text(block.text)) }
    }

    mutating func read(document: Value) throws {
        if document["type"].string == "error" || document["error"].isThere {
            answer.failure = document["error"]["message"].string ?? "no message"
            return
        }
        try demand(document["type"].string == "message" && document["role"].string == "assistant", "no message")
        (answer.id, answer.model) = (document["id"].string, document["model"].string)
        for block in document["content"].array ?? [] {
            switch block["type"].string {
            case "text": answer.append(.text(block["text"].string ?? ""))
            case "thinking":
                try demand(block["signature"].string != nil, "a thought without its member")
                let signature = block["signature"].string.flatMap { $0.isEmpty ? nil : $0 }
                answer.append(.thinking(block["thinking"].string ?? "", signature: signature))
            case "redacted_thinking": answer.append(.redacted(block["data"].string ?? ""))
            case "tool_use":
                try demand(block["input"].object != nil, "arguments that are no object")
                answer.append(.call(id: block["id"].string ?? "", name: block["name"].string ?? "", arguments: block["input"].text))
            case let other: try demand(false, "a block of \(other ?? "nothing")")
            }
        }
        read(usage: document["usage"])
        try finish(document["stop_reason"].string ?? "", document)
    }

    private mutating func finish(_ reason: String, _ delta: Value) throws {
        switch reason {
        case "end_turn": answer.stop = .end
        case "stop_sequence": answer.stop = .stopSequence
        case "tool_use": answer.stop = .tools
        case "max_tokens": answer.stop = .length
        case "model_context_window_exceeded": answer.stop = .context
        case "pause_turn", "compaction": answer.stop = .pause
        case "refusal": answer.stop = .filtered
        default: throw Unreadable("the reason \(reason)")
        }
        answer.stopDetail = delta["stop_sequence"].string ?? delta["stop_details"]["explanation"].string
        try demand((answer.stop == .tools) == answer.hasCalls || answer.stop == .length, "\(reason) with calls: \(answer.hasCalls)")
    }

    /// Each member overwrites, and those that are missing stay.
    private mutating func read(usage said: Value) {
        for name in said.names where said[name].isThere { usage[name] = said[name] }
        let split = usage["cache_creation"].map { split in
            ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"].reduce(0) { $0 + (split[$1].integer ?? 0) }
        }
        let written = usage["cache_creation_input_tokens"]?.integer ?? split ?? 0
        let cached = usage["cache_read_input_tokens"]?.integer ?? 0
        answer.usage = SeenAnswer.Usage(
            read: (usage["input_tokens"]?.integer ?? 0) + cached + written, cached: cached, written: written,
            output: usage["output_tokens"]?.integer ?? 0,
            reasoning: usage["output_tokens_details"]?["thinking_tokens"].integer ?? 0)
    }
}
