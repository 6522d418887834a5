// EventStream: writes events as server-sent events, with the faults that a stream can have.

struct EventStream {
    var fault: Fault?

    /// Events with their names; `done` adds `data: [DONE]`.
    func answer(_ events: [(name: String?, data: JSONText)], done: Bool, error: JSONText) -> ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.isStream = true
        answer.headers = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        let last = events.count - 1
        for (index, event) in events.enumerated() {
            if let fault, fault.number == index {
                switch fault.kind {
                case .cut:
                    answer.steps.append(.cut)
                    return answer
                case .stall:
                    answer.steps.append(.stall)
                    return answer
                case .errorEvent:
                    answer.steps.append(.bytes(bytes(name: event.name == nil ? nil : "error", error.json)))
                    return answer
                case .garbage: answer.steps.append(.bytes(bytes(name: event.name, "{not json")))
                default: break
                }
            }
            if fault?.kind == .noDone, !done, index == last { continue }
            answer.steps.append(.bytes(bytes(name: event.name, event.data.json)))
        }
        if done, fault?.kind != .noDone { answer.steps.append(.bytes(bytes(name: nil, "[DONE]"))) }
        return answer
    }

    private func bytes(name: String?, _ data: String) -> [UInt8] {
        let end = fault?.kind == .crlf ? "\r\n" : "\n"
        var text = fault?.kind == .comments ? ": keep-alive\(end)\(end)" : ""
        if let name { text += "event: \(name)\(end)" }
        text += "data: \(data)\(end)\(end)"
        return Array(text.utf8)
    }
}
