// ChatSeer: chat completions as OpenAI describes them, with what OpenCode insists on (no content behind the reason, no end without one,
// each call begun with id and name).

struct ChatSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()

    private struct Call {
        var id: String
        var name: String
        var arguments: String
        var isCustom: Bool
    }

    private var calls: [Int: Call] = [:]
    private var order: [Int] = []
    private var isDone = false
    private var chunks = 0
    private var echoed = ""

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        try demand(event.name.isEmpty, "an event with a name")
        try demand(!isDone && answer.failure == nil, "an event behind the end")
        if event.data.starts(with: "[DONE]".utf8) {
            isDone = true
            return
        }
        let chunk = try Value(parsing: event.data)
        if readFailure(chunk) { return }
        try readHead(chunk)
        try demand(chunk["object"].string == "chat.completion.chunk", "an object that is no chunk")
        for choice in chunk["choices"].array ?? [] where choice["index"].integer ?? 0 == 0 {
            let delta = choice["delta"]
            try demand(answer.stop == nil, "a choice behind its reason")
            if chunks == 0 { try demand(delta["role"].string == "assistant", "a first chunk without the role") }
            try read(delta: delta)
            if let reason = choice["finish_reason"].string { try finish(reason) }
            if choice["usage"].isThere { read(usage: choice["usage"]) }
            chunks += 1
        }
        if chunk["usage"].object != nil {
            try demand(chunk["choices"].array?.isEmpty == true && answer.stop != nil, "a usage beside a choice")
            read(usage: chunk["usage"])
        }
    }

    mutating func finish() throws {
        for index in order.sorted() { try take(index) }
        answer.isWhole = answer.stop != nil && answer.failure == nil
        try demand(isDone == answer.isWhole, "a reason without [DONE], or the other way round")
        try demand(echoed.isEmpty || answer.parts.contains { if case .thinking = $0 { true } else { false } }, "an echo without details")
        answer = answer.inOrderOfKinds()
    }

    private mutating func take(_ index: Int) throws {
        guard let call = calls[index] else { return }
        if call.isCustom {
            answer.append(.custom(id: call.id, name: call.name, input: call.arguments))
            return
        }
        if answer.stop != .length, answer.failure == nil, answer.stop != nil {
            try demand((try? Value(parsing: call.arguments))?.object != nil, "arguments that are no object: \(call.arguments)")
        }
        answer.append(.call(id: call.id, name: call.name, arguments: Value.arguments(call.arguments)))
    }

    mutating func read(document: Value) throws {
        if readFailure(document) { return }
        try readHead(document)
        try demand(document["object"].string == "chat.completion", "an object that is no completion")
        let choice = document["choices"][0]
        let message = choice["message"]
        try demand(message.names.isSuperset(of: ["role", "content", "refusal"]), "a message without its members")
        try read(delta: message)
        try finish(choice["finish_reason"].string ?? "")
        for index in order { try take(index) }
        if document["usage"].isThere { read(usage: document["usage"]) }
        answer = answer.inOrderOfKinds()
    }

    private mutating func readFailure(_ object: Value) -> Bool {
        guard object["error"].isThere else { return false }
        answer.failure = object["error"]["message"].string ?? object["error"].string ?? "no message"
        return true
    }

    private mutating func readHead(_ object: Value) throws {
        if let id = object["id"].string, answer.id == nil { answer.id = id }
        if let model = object["model"].string, answer.model == nil { answer.model = model }
        try demand(object["id"].string == answer.id && object["model"].string == answer.model, "another id or model")
        try demand(object["created"].integer ?? 0 > 0, "no time")
    }

    private mutating func read(delta: Value) throws {
        if let details = delta["reasoning_details"].array, !details.isEmpty {
            for detail in details {
                switch detail["type"].string {
                case "reasoning.encrypted": answer.append(.redacted(detail["data"].string ?? ""))
                default:
                    let text = detail["text"].string ?? detail["summary"].string ?? ""
                    answer.append(.thinking(text, signature: detail["signature"].string))
                }
            }
            echoed += delta["reasoning_content"].string ?? ""
        } else {
            try demand(!delta["reasoning_content"].isThere, "an echo without its details")
            answer.append(.thinking(delta["reasoning_content"].string ?? delta["reasoning"].string ?? "", signature: nil))
        }
        if let text = delta["content"].string { answer.append(.text(text)) }
        try demand(delta["content"].array == nil, "a content that is a list")
        // Mistral's reasoning models answer by one.
        for chunk in delta["content"].array ?? [] {
            let thoughts = chunk["thinking"].array ?? []
            for thought in thoughts { answer.append(.thinking(thought["text"].string ?? "", signature: nil)) }
            if chunk["type"].string == "text" { answer.append(.text(chunk["text"].string ?? "")) }
        }
        if let text = delta["refusal"].string, !text.isEmpty { answer.append(.refusal(text)) }
        for (position, call) in (delta["tool_calls"].array ?? []).enumerated() { try read(call: call, position) }
    }

    private mutating func read(call: Value, _ position: Int) throws {
        let isCustom = call["type"].string == "custom" || call["custom"].isThere
        let body = isCustom ? call["custom"] : call["function"]
        let id = call["id"].string.flatMap { $0.isEmpty ? nil : $0 }
        let known = id.flatMap { id in calls.first { $0.value.id == id }?.key }
        let index = call["index"].integer ?? known ?? (calls.isEmpty || id != nil ? calls.count : position)
        let piece = (isCustom ? body["input"] : body["arguments"]).string ?? (body["arguments"].object != nil ? body["arguments"].text : "")
        guard calls[index] != nil else {
            try demand(id != nil && body["name"].string?.isEmpty == false && call["type"].isThere, "a call begun without id, type or name")
            calls[index] = Call(id: id ?? "", name: body["name"].string ?? "", arguments: piece, isCustom: isCustom)
            order.append(index)
            return
        }
        if let id, calls[index]?.id.isEmpty == true { calls[index]?.id = id }
        if let name = body["name"].string, calls[index]?.name.isEmpty == true { calls[index]?.name = name }
        calls[index]?.arguments += piece
    }

    private mutating func finish(_ reason: String) throws {
        switch reason {
        case "stop" where !isStrict && answer.hasRefused: answer.stop = .filtered
        case "stop": answer.stop = order.isEmpty ? .end : .tools
        case "tool_calls", "function_call": answer.stop = .tools
        case "length": answer.stop = .length
        case "content_filter": answer.stop = .filtered
        default: throw Unreadable("the reason \(reason)")
        }
        try demand((answer.stop == .tools) == (reason == "tool_calls"), "\(reason) with \(order.count) calls")
    }

    private mutating func read(usage: Value) {
        let input = usage["prompt_tokens_details"]
        let read = usage["prompt_tokens"].integer ?? 0
        let output = usage["completion_tokens"].integer ?? 0
        let reasoning = usage["completion_tokens_details"]["reasoning_tokens"].integer ?? 0
        // xAI leaves reasoning out of the completion and has it in the total.
        let isBeside = !isStrict && reasoning > 0 && usage["total_tokens"].integer == read + output + reasoning
        answer.usage = SeenAnswer.Usage(
            read: read,
            cached: max(
                input["cached_tokens"].integer ?? 0, usage["cached_tokens"].integer ?? usage["prompt_cache_hit_tokens"].integer ?? 0),
            written: input["cache_write_tokens"].integer ?? input["created_cache_tokens"].integer ?? 0,
            output: isBeside ? output + reasoning : output, reasoning: reasoning)
    }
}
