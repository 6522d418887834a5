// GeminiSeer and OllamaSeer: the two dialects whose streams are whole objects, one behind the other.

import Foundation

struct GeminiSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()
    private var calls = 0
    private var hasFinished = false

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        try demand(event.name.isEmpty && !hasFinished && answer.failure == nil, "an event behind the end")
        try read(document: Value(parsing: event.data))
    }

    mutating func read(document: Value) throws {
        let error = document["error"].isThere ? document["error"] : document[0]["error"]
        if error.isThere {
            try demand(error["code"].integer ?? 0 >= 400 && error["status"].string?.isEmpty == false, "an error without its members")
            answer.failure = error["message"].string ?? "no message"
            return
        }
        if let chunks = document.array {
            for chunk in chunks { try read(document: chunk) }
            return
        }
        answer.id = answer.id ?? document["responseId"].string
        answer.model = answer.model ?? document["modelVersion"].string
        let candidate = document["candidates"][0]
        for part in candidate["content"]["parts"].array ?? [] { try read(part: part) }
        try demand(candidate["content"]["role"].string == "model", "another role")
        if document["usageMetadata"].isThere { try read(usage: document["usageMetadata"]) }
        if let reason = candidate["finishReason"].string {
            try finish(reason, candidate["finishMessage"].string)
        } else if let reason = document["promptFeedback"]["blockReason"].string {
            try finish(reason == "OTHER" ? reason : "SAFETY", document["promptFeedback"]["blockReasonMessage"].string)
        }
    }

    private mutating func read(part: Value) throws {
        let kinds = part.names.intersection(["text", "functionCall", "inlineData", "executableCode", "codeExecutionResult"])
        try demand(kinds.count == 1 || part.names == ["thought", "thoughtSignature"], "a part of \(part.names)")
        let isThought = part["thought"].isTrue
        let signature = part["thoughtSignature"].string
        let own = signature.flatMap { Self.opened($0) == nil ? $0 : nil }
        if part["functionCall"].isThere {
            let call = part["functionCall"]
            if let own { answer.append(.thinking("", signature: "weir-gemini:c\(calls):\(own)")) }
            try demand(call["id"].string?.isEmpty == false && call["args"].object != nil, "a call without id or arguments")
            answer.append(
                .call(
                    id: call["id"].string ?? "#\(calls)", name: call["name"].string ?? "",
                    arguments: Value.arguments(call["args"].isThere ? call["args"].text : "")))
            calls += 1
            return
        }
        if let signature, let opened = Self.opened(signature) {
            answer.append(opened.isRedacted ? .redacted(opened.value) : .thinking(part["text"].string ?? "", signature: opened.value))
        } else if isThought {
            answer.append(.thinking(part["text"].string ?? "", signature: own.map { "weir-gemini:h:\($0)" }))
        } else {
            answer.append(.text(part["text"].string ?? ""))
            if let own { answer.append(.thinking("", signature: "weir-gemini:t:\(own)")) }
        }
    }

    /// Another provider's signature, as a client of Gemini keeps it.
    private static func opened(_ signature: String) -> (value: String, isRedacted: Bool)? {
        let padded = signature + String(repeating: "=", count: (4 - signature.count % 4) % 4)
        guard let bytes = Data(base64Encoded: padded) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("weir-signature:") { return (String(text.dropFirst(15)), false) }
        return text.hasPrefix("weir-redacted:") ? (String(text.dropFirst(14)), true) : nil
    }

    private mutating func finish(_ reason: String, _ message: String?) throws {
        try demand(answer.usage != nil, "a reason without a usage")
        hasFinished = true
        answer.stopDetail = message
        switch reason {
        case "STOP": answer.stop = calls > 0 ? .tools : .end
        case "MAX_TOKENS": answer.stop = .length
        case "CONTINUATION": answer.stop = .pause
        case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE":
            answer.failure = message.map { "\(reason): \($0)" } ?? reason
        default: answer.stop = .filtered
        }
    }

    mutating func finish() throws { answer.isWhole = hasFinished && answer.failure == nil }

    private mutating func read(usage: Value) throws {
        let tools = usage["toolUsePromptTokenCount"].integer ?? 0
        let thoughts = usage["thoughtsTokenCount"].integer ?? 0
        answer.usage = SeenAnswer.Usage(
            read: (usage["promptTokenCount"].integer ?? 0) + tools, cached: usage["cachedContentTokenCount"].integer ?? 0,
            output: (usage["candidatesTokenCount"].integer ?? 0) + thoughts, reasoning: thoughts)
        try demand(usage["totalTokenCount"].integer == answer.usage.map { $0.read + $0.output }, "a total that is none")
    }
}

struct OllamaSeer: AnswerSeer {
    let isStrict: Bool
    var answer = SeenAnswer()
    private var isDone = false
    private var calls = 0

    init(isStrict: Bool) { self.isStrict = isStrict }

    private func demand(_ condition: Bool, _ breach: String) throws {
        if isStrict, !condition { throw Unreadable(breach) }
    }

    mutating func read(_ event: SeenEvent) throws {
        try demand(!isDone && answer.failure == nil, "a line behind the end")
        try read(line: Value(parsing: event.data))
    }

    mutating func read(document: Value) throws {
        try read(line: document)
        try demand(isDone || answer.failure != nil, "an answer that is not done")
        answer = answer.inOrderOfKinds()
    }

    private mutating func read(line: Value) throws {
        if line["error"].isThere {
            answer.failure = line["error"].string ?? line["error"]["message"].string ?? "no message"
            return
        }
        try demand(line["model"].string != nil && line["created_at"].string?.hasSuffix("Z") == true && line["done"].isThere, "no line")
        answer.model = answer.model ?? line["model"].string
        let message = line["message"]
        answer.append(.thinking(message["thinking"].string ?? line["thinking"].string ?? "", signature: nil))
        answer.append(.text(message["content"].string ?? line["response"].string ?? ""))
        for call in message["tool_calls"].array ?? [] {
            try demand(call["function"]["arguments"].object != nil, "arguments that are no object")
            answer.append(
                .call(
                    id: call["id"].string ?? "#\(calls)", name: call["function"]["name"].string ?? "",
                    arguments: Value.arguments(call["function"]["arguments"].text)))
            calls += 1
        }
        guard line["done"].isTrue else { return }
        isDone = true
        answer.stop = line["done_reason"].string == "length" ? .length : answer.hasCalls ? .tools : .end
        answer.usage = SeenAnswer.Usage(read: line["prompt_eval_count"].integer ?? 0, output: line["eval_count"].integer ?? 0)
    }

    mutating func finish() throws {
        answer.isWhole = isDone
        answer = answer.inOrderOfKinds()
    }
}
