// ResponsesEventWriter: canonical events as the typed events of OpenAI Responses, or as one response. Everything that is added is
// done before the end, which clients insist on.

import GatewayModel
import WireFormat

/// Writes an answer for a client of `/v1/responses`.
package struct ResponsesEventWriter: CanonicalEventWriter {
    enum Open: Hashable { case none, text, refusal, thinking }

    /// A tool call under way. Several may be.
    struct Call {
        var place: Int
        var id: String
        var name: String
        var arguments = ""
        var isDone = false
    }

    let context: AnswerContext
    private var id: String
    private var model: String
    private var hasStarted = false
    private var sequence: Int64 = 0
    private var open = Open.none
    private var openPlace = 0
    private var openText = ""
    private var signature: String?
    private var calls: [Int: Call] = [:]
    /// The finished items by their place, as JSON.
    private var items: [[UInt8]?] = []
    private var usage = TokenUsage()
    private var stop: CanonicalStop?
    private var failure: CanonicalFailure?
    private var discarded: [UInt8] = []

    package init(_ context: AnswerContext) {
        self.context = context
        id = context.id
        model = context.model
    }

    // MARK: A stream

    package mutating func write(_ event: CanonicalEvent, into out: inout [UInt8]) {
        switch event {
        case .start(let id, let model): start(id, model, &out)
        case .text(let piece):
            enter(.text, &out)
            openText += piece
            delta("response.output_text.delta", piece, &out)
        case .refusal(let piece):
            enter(.refusal, &out)
            openText += piece
            delta("response.refusal.delta", piece, &out)
        case .thinking(let piece):
            if signature != nil { close(&out) }
            enter(.thinking, &out)
            openText += piece
            delta("response.reasoning_summary_text.delta", piece, &out)
        case .signature(let piece):
            enter(.thinking, &out)
            signature = (signature ?? "") + piece
        case .redactedThinking(let data):
            close(&out)
            start(nil, nil, &out)
            let place = addItem()
            let item = reasoningItem(place, "", SignedThinking.seal(redacted: data))
            itemEvent("response.output_item.added", place, reasoningItem(place, "", nil), &out)
            finishItem(place, item, &out)
        case .blockEnd: close(&out)
        case .toolStart(let slot, let id, let name): beginCall(slot, id, name, &out)
        case .toolArguments(let slot, let piece): argue(slot, piece, &out)
        case .toolEnd(let slot): endCall(slot, &out)
        case .usage(let usage): self.usage = usage
        case .finish(let stop):
            self.stop = stop
            // What another provider says beside its answer is a part of the answer here.
            if case .refusal(let explanation?) = stop {
                enter(.refusal, &out)
                openText += explanation
                delta("response.refusal.delta", explanation, &out)
            }
        case .failure(let failure):
            self.failure = failure
            end(&out)
        case .end: end(&out)
        }
    }

    private mutating func start(_ id: String?, _ model: String?, _ out: inout [UInt8]) {
        guard !hasStarted else { return }
        hasStarted = true
        self.id = id ?? self.id
        self.model = model ?? self.model
        for name in ["response.created", "response.in_progress"] {
            let response = response(status: "in_progress")
            event(name, &out) { $0.rawField("response", response) }
        }
    }

    private mutating func enter(_ kind: Open, _ out: inout [UInt8]) {
        start(nil, nil, &out)
        guard open != kind else { return }
        // Text and refusal are parts of one message only where the provider says so; each is an item here.
        close(&out)
        open = kind
        openPlace = addItem()
        openText = ""
        signature = nil
        let place = openPlace
        let item = itemID(place, of: kind)
        if kind == .thinking {
            itemEvent("response.output_item.added", place, reasoningItem(place, "", nil), &out)
            event("response.reasoning_summary_part.added", &out) { json in
                Self.position(&json, item, place, "summary_index")
                Self.part(&json, "part", "summary_text", "text", "")
            }
            return
        }
        itemEvent("response.output_item.added", place, messageItem(place, nil, isRefusal: false, status: "in_progress"), &out)
        event("response.content_part.added", &out) { json in
            Self.position(&json, item, place, "content_index")
            Self.contentPart(&json, "part", "", isRefusal: kind == .refusal)
        }
    }

    private mutating func delta(_ name: String, _ piece: String, _ out: inout [UInt8]) {
        let place = openPlace
        let item = itemID(place, of: open)
        let index: StaticString = open == .thinking ? "summary_index" : "content_index"
        event(name, &out) { json in
            Self.position(&json, item, place, index)
            json.field("delta", piece)
        }
    }

    private mutating func close(_ out: inout [UInt8]) {
        guard open != .none else { return }
        let kind = open
        let place = openPlace
        let item = itemID(place, of: kind)
        let text = openText
        open = .none
        if kind == .thinking {
            event("response.reasoning_summary_text.done", &out) { json in
                Self.position(&json, item, place, "summary_index")
                json.field("text", text)
            }
            event("response.reasoning_summary_part.done", &out) { json in
                Self.position(&json, item, place, "summary_index")
                Self.part(&json, "part", "summary_text", "text", text)
            }
            let sealed = signature.map { SignedThinking.seal(text, signature: $0) }
            signature = nil
            finishItem(place, reasoningItem(place, text, sealed), &out)
            return
        }
        event(kind == .text ? "response.output_text.done" : "response.refusal.done", &out) { json in
            Self.position(&json, item, place, "content_index")
            if kind == .text { json.field("text", text) } else { json.field("refusal", text) }
        }
        event("response.content_part.done", &out) { json in
            Self.position(&json, item, place, "content_index")
            Self.contentPart(&json, "part", text, isRefusal: kind == .refusal)
        }
        finishItem(place, messageItem(place, text, isRefusal: kind == .refusal, status: "completed"), &out)
    }

    // MARK: Tool calls

    func tool(_ name: String) -> CanonicalTool? { context.tools.first { $0.name == name } }

    private mutating func beginCall(_ slot: Int, _ id: String, _ name: String, _ out: inout [UInt8]) {
        start(nil, nil, &out)
        close(&out)
        let call = Call(place: addItem(), id: id, name: name)
        calls[slot] = call
        itemEvent("response.output_item.added", call.place, callItem(call, isDone: false), &out)
    }

    private mutating func argue(_ slot: Int, _ piece: String, _ out: inout [UInt8]) {
        guard var call = calls[slot], !call.isDone else { return }
        call.arguments += piece
        calls[slot] = call
        // Free text comes wrapped in JSON and is unwrapped once it is whole.
        guard tool(call.name)?.isCustom != true else { return }
        let item = itemID(call.place)
        event("response.function_call_arguments.delta", &out) { [place = call.place] json in
            json.field("item_id", item)
            json.field("output_index", place)
            json.field("delta", piece)
        }
    }

    private mutating func endCall(_ slot: Int, _ out: inout [UInt8]) {
        guard var call = calls[slot], !call.isDone else { return }
        call.isDone = true
        let isCustom = tool(call.name)?.isCustom == true
        if isCustom { call.arguments = freeText(call.arguments) } else if call.arguments.isEmpty { call.arguments = "{}" }
        calls[slot] = call
        let item = itemID(call.place)
        if isCustom {
            event("response.custom_tool_call_input.delta", &out) { [call] json in
                json.field("item_id", item)
                json.field("output_index", call.place)
                json.field("delta", call.arguments)
            }
        }
        event(isCustom ? "response.custom_tool_call_input.done" : "response.function_call_arguments.done", &out) { [call] json in
            json.field("item_id", item)
            json.field("output_index", call.place)
            if isCustom { json.field("input", call.arguments) } else { json.field("arguments", call.arguments) }
        }
        finishItem(call.place, callItem(call, isDone: true), &out)
    }

    // MARK: The end

    private mutating func end(_ out: inout [UInt8]) {
        guard stop != nil || failure != nil else { return }
        start(nil, nil, &out)
        close(&out)
        for slot in calls.keys.sorted() { endCall(slot, &out) }
        let status = status
        let response = response(status: status)
        event("response.\(status)", &out) { $0.rawField("response", response) }
    }

    private var status: String {
        guard failure == nil else { return "failed" }
        return switch stop {
        case .maxTokens?, .contextWindow?, .pause?, .contentFilter?, .refusal?: "incomplete"
        default: "completed"
        }
    }

    private var isFiltered: Bool {
        switch stop {
        case .contentFilter?, .refusal?: true
        default: false
        }
    }

    /// The response object as it stands now.
    private func response(status: String) -> [UInt8] {
        var json = JSONWriter(capacity: 1024)
        json.beginObject()
        json.field("id", id)
        json.field("object", "response")
        json.field("created_at", context.created)
        json.field("status", status)
        if let failure {
            json.beginObject("error")
            json.field("code", FailureKind(code: failure.code).responsesCode)
            json.field("message", failure.message)
            json.endObject()
        } else {
            json.rawField("error", "null".utf8)
        }
        if status == "incomplete" {
            json.beginObject("incomplete_details")
            json.field("reason", isFiltered ? "content_filter" : "max_output_tokens")
            json.endObject()
        } else {
            json.rawField("incomplete_details", "null".utf8)
        }
        json.rawField("instructions", "null".utf8)
        json.rawField("metadata", "{}".utf8)
        json.field("model", model)
        json.beginArray("output")
        for item in items { if let item { json.rawElement(item) } }
        json.endArray()
        json.field("parallel_tool_calls", true)
        json.rawField("temperature", "null".utf8)
        json.field("tool_choice", "auto")
        json.rawField("tools", "[]".utf8)
        json.rawField("top_p", "null".utf8)
        json.field("store", false)
        if status == "in_progress" { json.rawField("usage", "null".utf8) } else { Self.write(usage, into: &json) }
        json.endObject()
        return json.bytes
    }

    // MARK: A document

    /// A document is the response that the stream would have ended with.
    package mutating func collect(_ event: CanonicalEvent) {
        discarded.removeAll(keepingCapacity: true)
        var unread: [UInt8] = []
        swap(&unread, &discarded)
        write(event, into: &unread)
        swap(&unread, &discarded)
    }

    package func document() -> [UInt8] { response(status: status) }

    // MARK: Items

    private mutating func addItem() -> Int {
        items.append(nil)
        return items.count - 1
    }

    private mutating func finishItem(_ place: Int, _ item: [UInt8], _ out: inout [UInt8]) {
        items[place] = item
        itemEvent("response.output_item.done", place, item, &out)
    }

    private mutating func itemEvent(_ name: String, _ place: Int, _ item: [UInt8], _ out: inout [UInt8]) {
        event(name, &out) { json in
            json.field("output_index", place)
            json.rawField("item", item)
        }
    }

    // MARK: Shared

    private mutating func event(_ name: String, _ out: inout [UInt8], _ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        json.field("type", name)
        json.field("sequence_number", sequence)
        sequence += 1
        body(&json)
        json.endObject()
        out.append(contentsOf: "event: \(name)\ndata: ".utf8)
        out.append(contentsOf: json.bytes)
        out.append(contentsOf: "\n\n".utf8)
    }
}
