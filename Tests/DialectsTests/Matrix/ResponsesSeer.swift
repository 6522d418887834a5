// ResponsesSeer: OpenAI's responses as OpenAI describes them: numbered events, and everything that is added is done, with the same
// content, before the one that ends it.

struct ResponsesSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()
    private var sequence = 0
    private var items: [Int: (kind: String, id: String, text: String, isDone: Bool)] = [:]
    private var done: [(place: Int, item: Value)] = []
    private var hasEnded = false

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        if event.data.starts(with: "[DONE]".utf8), !isStrict { return }
        let value = try Value(parsing: event.data)
        let type = value["type"].string ?? ""
        try demand(!hasEnded, "an event behind the end")
        try demand(event.name == type && value["sequence_number"].integer == sequence, "\(event.name), number \(sequence)")
        sequence += 1
        let place = value["output_index"].integer ?? -1
        switch type {
        case "response.created":
            try demand(sequence == 1 && value["response"]["status"].string == "in_progress", "a response that is not begun")
            (answer.id, answer.model) = (value["response"]["id"].string, value["response"]["model"].string)
        case "response.in_progress": try demand(sequence == 2, "in_progress later on")
        case "response.output_item.added":
            try demand(place == items.count, "an item out of order")
            items[place] = (value["item"]["type"].string ?? "", value["item"]["id"].string ?? "", "", false)
        case "response.output_text.delta", "response.refusal.delta", "response.function_call_arguments.delta",
            "response.custom_tool_call_input.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
            try demand(items[place]?.isDone == false && items[place]?.id == value["item_id"].string, "a delta of no item")
            items[place]?.text += value["delta"].string ?? ""
        case "response.output_text.done", "response.refusal.done", "response.function_call_arguments.done",
            "response.custom_tool_call_input.done", "response.reasoning_summary_text.done":
            let whole = ["text", "refusal", "arguments", "input"].compactMap { value[$0].string }.first ?? ""
            try demand(items[place]?.text == whole, "\(type): \(whole) and not \(items[place]?.text ?? "")")
        case "response.output_item.done":
            try demand(items[place]?.isDone == false, "an item done twice")
            try demand(items[place]?.kind == value["item"]["type"].string, "another item")
            items[place]?.isDone = true
            done.append((place, value["item"]))
            try check(value["item"], items[place]?.text ?? "")
        case "response.completed", "response.incomplete", "response.failed":
            let response = value["response"]
            try demand(type == "response.\(response["status"].string ?? "")", "a status that is another")
            try demand(type == "response.failed" || items.allSatisfy(\.value.isDone), "an item that was not done")
            let listed = (response["output"].array ?? []).map(\.text)
            try demand(
                type == "response.failed" || listed == done.sorted { $0.place < $1.place }.map(\.item.text), "an output that is another")
            hasEnded = true
            try finish(response)
        case "error":
            answer.failure = value["message"].string ?? value["error"]["message"].string ?? "no message"
            hasEnded = true
        default: break
        }
    }

    /// What an item says was said before in pieces.
    private func check(_ item: Value, _ text: String) throws {
        let said: String? =
            switch item["type"].string {
            case "message": (item["content"].array ?? []).compactMap { $0["text"].string ?? $0["refusal"].string }.joined()
            case "function_call": item["arguments"].string
            case "custom_tool_call": item["input"].string
            case "reasoning": (item["summary"].array ?? []).compactMap { $0["text"].string }.joined()
            default: nil
            }
        try demand(said == nil || said == text, "an item that says \(said ?? "") and not \(text)")
    }

    mutating func finish() throws {
        answer.isWhole = hasEnded && answer.failure == nil
        if answer.failure != nil || !hasEnded {
            for (_, item) in done.sorted(by: { $0.place < $1.place }) { try take(item) }
            for (_, item) in items.sorted(by: { $0.key < $1.key }) where !item.isDone && item.kind == "message" {
                answer.append(.text(item.text))
            }
        }
    }

    mutating func read(document: Value) throws {
        if document["error"].isThere, !document["output"].isThere {
            answer.failure = document["error"]["message"].string ?? "no message"
            return
        }
        (answer.id, answer.model) = (document["id"].string, document["model"].string)
        try finish(document)
    }

    private mutating func finish(_ response: Value) throws {
        try demand(response["object"].string == "response" && response["created_at"].integer ?? 0 > 0, "no response")
        if response["usage"].isThere { read(usage: response["usage"]) }
        if response["status"].string == "failed" {
            answer.failure = response["error"]["message"].string ?? "no message"
            try demand(Self.failures.contains(response["error"]["code"].string ?? ""), "the code \(response["error"].text)")
            return
        }
        for item in response["output"].array ?? [] { try take(item) }
        switch (response["status"].string, response["incomplete_details"]["reason"].string) {
        case ("completed", nil): answer.stop = answer.hasCalls ? .tools : answer.hasRefused ? .filtered : .end
        case ("incomplete", "max_output_tokens"): answer.stop = .length
        case ("incomplete", "content_filter"): answer.stop = .filtered
        case let other: throw Unreadable("the status \(other)")
        }
    }

    /// OpenAI's own words, as its SDK lists them.
    private static let failures: Set<String> = [
        "server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy", "vector_store_timeout",
    ]

    private mutating func take(_ item: Value) throws {
        switch item["type"].string {
        case "message":
            for part in item["content"].array ?? [] {
                answer.append(part["type"].string == "refusal" ? .refusal(part["refusal"].string ?? "") : .text(part["text"].string ?? ""))
            }
        case "reasoning": try takeThought(item)
        case "function_call":
            let isObject = (try? Value(parsing: item["arguments"].string ?? ""))?.object != nil
            try demand(isObject || answer.failure != nil, "arguments that are no object: \(item.text)")
            let name = [item["namespace"].string, item["name"].string].compactMap { $0 }.joined(separator: "__")
            answer.append(
                .call(id: item["call_id"].string ?? "", name: name, arguments: Value.arguments(item["arguments"].string ?? "")))
        case "custom_tool_call":
            answer.append(
                .custom(id: item["call_id"].string ?? "", name: item["name"].string ?? "", input: item["input"].string ?? ""))
        case let other: try demand(false, "an item of \(other ?? "nothing")")
        }
    }

    /// A thought that OpenAI sealed, or one of another provider's in its seal.
    private mutating func takeThought(_ item: Value) throws {
        let text = (item["summary"].array ?? []).compactMap { $0["text"].string }.joined(separator: "\n\n")
        guard let sealed = item["encrypted_content"].string else {
            answer.append(.thinking(text, signature: nil))
            return
        }
        guard sealed.hasPrefix("weir-thinking:") else {
            answer.append(.thinking(text, signature: "weir-reasoning:\(item["id"].string ?? ""):\(sealed)"))
            return
        }
        for block in try Value(parsing: String(sealed.dropFirst(14))).array ?? [] {
            if block["type"].string == "redacted_thinking" {
                answer.append(.redacted(block["data"].string ?? ""))
            } else {
                try demand(block["thinking"].string == text, "a seal of another thought")
                answer.append(.thinking(text, signature: block["signature"].string))
            }
        }
    }

    private mutating func read(usage: Value) {
        answer.usage = SeenAnswer.Usage(
            read: usage["input_tokens"].integer ?? 0, cached: usage["input_tokens_details"]["cached_tokens"].integer ?? 0,
            written: usage["input_tokens_details"]["cache_write_tokens"].integer ?? 0, output: usage["output_tokens"].integer ?? 0,
            reasoning: usage["output_tokens_details"]["reasoning_tokens"].integer ?? 0)
    }
}
