// ResponsesTools: how OpenAI Responses offers tools and calls them: functions, functions in namespaces, and tools that take free
// text. Codex uses all three, in `tools` or, with newer models, in an item of the input.

extension ResponsesScript {
    /// The tools that a request offers.
    static func offeredTools(_ body: JSONText, _ items: [JSONText]) -> [OfferedTool] {
        let added = items.filter { $0["type"]?.string == "additional_tools" }
        return ([body] + added).flatMap { tools($0["tools"], namespace: nil) }
    }

    private static func tools(_ list: JSONText?, namespace: String?) -> [OfferedTool] {
        (list?.elements ?? []).flatMap { tool -> [OfferedTool] in
            guard let name = tool["name"]?.string else { return [] }
            switch tool["type"]?.string {
            case "function": return [OfferedTool(name: name, schema: tool["parameters"], namespace: namespace)]
            case "custom": return [OfferedTool(name: name, namespace: namespace, takesText: true)]
            case "namespace" where namespace == nil: return tools(tool["tools"], namespace: name)
            default: return []
            }
        }
    }

    /// The agent that a tool's result says was started.
    static func startedAgent(_ output: JSONText?) -> String? {
        output?.string.flatMap { JSONText.parse($0.utf8) }?["agent_id"]?.string
    }

    private static func callID(_ turn: ScriptedTurn, _ call: ScriptedTurn.ToolCall, _ index: Int) -> JSONText {
        .text("\(call.takesText ? "ctc" : "fc")_sim\(turn.id)\(index)")
    }

    /// A call as an item of the output.
    static func callItem(_ turn: ScriptedTurn, _ call: ScriptedTurn.ToolCall, _ index: Int, done: Bool) -> JSONText {
        let item: JSONText = [
            "id": callID(turn, call, index), "type": call.takesText ? "custom_tool_call" : "function_call",
            "status": done ? "completed" : "in_progress",
            call.takesText ? "input" : "arguments": .text(done ? call.arguments : ""), "call_id": .text(call.id),
            "name": .text(call.name),
        ]
        guard let namespace = call.namespace else { return item }
        return .object(item.members + [.init(name: "namespace", value: .text(namespace))])
    }

    /// The events of one call.
    static func addCall(
        _ events: inout Events, _ turn: ScriptedTurn, _ call: ScriptedTurn.ToolCall, _ number: Int, at index: Int
    ) {
        let item = callID(turn, call, number)
        let place: JSONText = .integer(index)
        let name = call.takesText ? "response.custom_tool_call_input" : "response.function_call_arguments"
        events.add(
            "response.output_item.added", ["output_index": place, "item": callItem(turn, call, number, done: false)])
        let half = call.arguments.index(call.arguments.startIndex, offsetBy: call.arguments.count / 2)
        for delta in [call.arguments[..<half], call.arguments[half...]] where !delta.isEmpty {
            events.add("\(name).delta", ["item_id": item, "output_index": place, "delta": .text(String(delta))])
        }
        let whole: JSONText =
            call.takesText
            ? ["item_id": item, "output_index": place, "input": .text(call.arguments)]
            : ["item_id": item, "output_index": place, "arguments": .text(call.arguments), "name": .text(call.name)]
        events.add("\(name).done", whole)
        events.add(
            "response.output_item.done", ["output_index": place, "item": callItem(turn, call, number, done: true)])
    }
}
