// ConverseSeer: Converse's answers as botocore's service description has them. Texts and thoughts begin with their first piece.

import Foundation

struct ConverseSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()
    private var open: (index: Int, part: SeenAnswer.Part)?
    private var arguments = ""
    private var hasBegun = false
    private var last = -1
    private var hasUsage = false

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        let value = try Value(parsing: event.data)
        try demand(answer.failure == nil && !hasUsage, "an event behind the end")
        if event.name.hasSuffix("Exception") {
            answer.failure = value["originalMessage"].string ?? value["message"].string ?? "no message"
            return
        }
        try demand(hasBegun || event.name == "messageStart", "\(event.name) before the message")
        let index = value["contentBlockIndex"].integer ?? -1
        switch event.name {
        case "messageStart":
            try demand(value["role"].string == "assistant" && !hasBegun, "another role, or a second message")
            hasBegun = true
        case "contentBlockStart":
            try demand(open == nil && index == last + 1, "block \(index) inside another, or out of order")
            let tool = value["start"]["toolUse"]
            let id = tool["toolUseId"].string ?? ""
            guard tool.isThere, !tool["type"].isThere else {
                try demand(false, "a block that no client knows")
                return
            }
            try demand(id.contains(/^[a-zA-Z0-9_.:-]{1,64}$/), "the id \(id)")
            last = index
            arguments = ""
            open = (index, .call(id: id, name: tool["name"].string ?? "", arguments: ""))
        case "contentBlockDelta": try take(index, value["delta"])
        case "contentBlockStop":
            try demand(open?.index == index, "the end of another block")
            close(index)
        case "messageStop":
            try demand(open == nil, "a reason inside a block")
            try finish(value["stopReason"].string ?? "")
            read(reasoning: value["additionalModelResponseFields"])
        case "metadata":
            try demand(answer.stop != nil && value["metrics"]["latencyMs"].integer != nil, "metadata without its members")
            try read(usage: value["usage"])
            hasUsage = true
        default: throw Unreadable("the event \(event.name)")
        }
    }

    private mutating func take(_ index: Int, _ delta: Value) throws {
        if open == nil, delta["text"].isThere || delta["reasoningContent"].isThere {
            try demand(index == last + 1, "block \(index) out of order")
            last = index
            open = (index, delta["text"].isThere ? .text("") : .thinking("", signature: nil))
        }
        guard let block = open, block.index == index else {
            try demand(false, "a delta of another block")
            return
        }
        switch block.part {
        case .text(let text): open?.part = .text(text + (delta["text"].string ?? ""))
        case .call: arguments += delta["toolUse"]["input"].string ?? ""
        case .thinking(let text, let signature):
            let reasoning = delta["reasoningContent"]
            if let data = reasoning["redactedContent"].string {
                open?.part = .redacted(Self.sealed(data))
            } else {
                let more = reasoning["signature"].string
                open?.part = .thinking(text + (reasoning["text"].string ?? ""), signature: more.map { (signature ?? "") + $0 } ?? signature)
            }
        default: try demand(false, "a delta of a whole block")
        }
    }

    private mutating func close(_ index: Int) {
        guard let block = open, block.index == index else { return }
        open = nil
        if case .call(let id, let name, _) = block.part {
            answer.append(.call(id: id, name: name, arguments: Value.arguments(arguments)))
        } else {
            answer.append(block.part)
        }
    }

    /// Bytes travel as base64; a text of another provider's is marked.
    private static func sealed(_ data: String) -> String {
        guard let bytes = Data(base64Encoded: data), bytes.starts(with: "weir:text:".utf8) else { return data }
        return String(decoding: bytes.dropFirst(10), as: UTF8.self)
    }

    mutating func finish() throws {
        answer.isWhole = hasUsage
        try demand(hasUsage || answer.failure != nil || answer.stop == nil, "a reason without its metadata")
        if let open { close(open.index) }
    }

    mutating func read(document: Value) throws {
        guard document["output"].isThere else {
            answer.failure = document["message"].string ?? "no message"
            return
        }
        let message = document["output"]["message"]
        try demand(message["role"].string == "assistant" && document["metrics"]["latencyMs"].integer != nil, "no message")
        for block in message["content"].array ?? [] {
            try demand(block.names.count == 1, "a block of \(block.names)")
            if let text = block["text"].string {
                answer.append(.text(text))
            } else if block["toolUse"].isThere, !block["toolUse"]["type"].isThere {
                let call = block["toolUse"]
                try demand(call["input"].object != nil, "arguments that are no object")
                let name = call["name"].string ?? ""
                answer.append(.call(id: call["toolUseId"].string ?? "", name: name, arguments: Value.arguments(call["input"].text)))
            } else if let data = block["reasoningContent"]["redactedContent"].string {
                answer.append(.redacted(Self.sealed(data)))
            } else if block["reasoningContent"]["reasoningText"].isThere {
                let thought = block["reasoningContent"]["reasoningText"]
                answer.append(.thinking(thought["text"].string ?? "", signature: thought["signature"].string))
            }
        }
        try finish(document["stopReason"].string ?? "")
        try read(usage: document["usage"])
        read(reasoning: document["additionalModelResponseFields"])
    }

    private mutating func finish(_ reason: String) throws {
        switch reason {
        case "end_turn": answer.stop = answer.hasCalls && !isStrict ? .tools : .end
        case "stop_sequence": answer.stop = .stopSequence
        case "tool_use": answer.stop = .tools
        case "max_tokens": answer.stop = .length
        case "model_context_window_exceeded": answer.stop = .context
        case "content_filtered", "guardrail_intervened": answer.stop = .filtered
        case "malformed_model_output", "malformed_tool_use": answer.failure = "malformed"
        default: throw Unreadable("the reason \(reason)")
        }
        try demand((answer.stop == .tools) == answer.hasCalls || answer.stop == .length, "\(reason) with calls: \(answer.hasCalls)")
    }

    private mutating func read(usage: Value) throws {
        let cached = usage["cacheReadInputTokens"].integer ?? 0
        let written = usage["cacheWriteInputTokens"].integer ?? 0
        let read = (usage["inputTokens"].integer ?? 0) + cached + written
        let output = usage["outputTokens"].integer ?? 0
        try demand(usage["totalTokens"].integer == read + output, "a total that is none")
        let reasoning = answer.usage?.reasoning ?? 0
        answer.usage = SeenAnswer.Usage(read: read, cached: cached, written: written, output: output, reasoning: reasoning)
    }

    private mutating func read(reasoning fields: Value) {
        guard let count = fields["usage"]["output_tokens_details"]["thinking_tokens"].integer else { return }
        var usage = answer.usage ?? SeenAnswer.Usage()
        usage.reasoning = count
        answer.usage = usage
    }
}
