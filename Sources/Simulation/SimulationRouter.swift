// SimulationRouter: which script answers which path, and the provider's own pages under `/_sim`.

import Foundation
import NIOHTTP1

/// A request as the scripts see it.
struct SimulationRequest {
    var method: String
    var path: String
    /// As it was sent.
    var rawQuery: String
    var query: [String: String]
    var headers: [(String, String)]
    var body: [UInt8]
    var options = ScriptOptions()

    init(head: HTTPRequestHead, body: [UInt8]) {
        method = head.method.rawValue
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        path = parts.first.map(String.init) ?? "/"
        rawQuery = parts.count > 1 ? String(parts[1]) : ""
        query = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { query[String(sides[0])] = sides[1].removingPercentEncoding ?? String(sides[1]) }
        }
        headers = head.headers.map { ($0.name, $0.value) }
        self.body = body
        func number(_ name: String) -> Int? { head.headers.first(name: name).flatMap { Int($0) } }
        options.toolRounds = number("x-sim-tool-rounds") ?? 2
        options.parallelTools = max(1, number("x-sim-parallel-tools") ?? 1)
        options.inputTokens = number("x-sim-input-tokens")
        options.cachedTokens = number("x-sim-cached-tokens")
        options.outputTokens = number("x-sim-output-tokens")
        options.chunks = number("x-sim-chunks")
        options.paceMilliseconds = number("x-sim-pace-ms")
        options.fault = head.headers.first(name: "x-sim-fault").flatMap { Fault($0) }
    }

    func header(_ name: String) -> String? { headers.first { $0.0.lowercased() == name }?.1 }
}

struct SimulationRouter {
    let state: SimulationState

    /// The answer; nil closes the connection.
    func answer(_ request: SimulationRequest) -> ScriptedAnswer? {
        if request.path.hasPrefix("/_sim/") { return control(request) }
        var request = request
        state.see(
            .init(
                method: request.method, path: request.path, query: request.rawQuery, headers: request.headers,
                body: String(decoding: request.body, as: UTF8.self)))
        let isGoogle = GeminiScript.call(request.path) != nil
        if let armed = state.takeArmed() { request.options.fault = armed }
        let isAnthropic = request.path.contains("/messages") || request.header("anthropic-version") != nil
        let bedrock = BedrockScript.operation(request.path)
        let number = state.nextNumber()
        if let fault = request.options.fault {
            switch fault.kind {
            case .reset: return nil
            case .hang:
                return ScriptedAnswer(headers: [("content-type", "application/json")], steps: [.stall], isStream: true)
            case .status where isGoogle: return googleFailure(fault)
            case .status where request.path.hasPrefix("/api/"):
                return .json(["error": .text("simulated failure with status \(fault.number)")], status: fault.number)
            case .status where bedrock != nil:
                return BedrockScript.failure(fault.number, "simulated failure with status \(fault.number)", number: number)
            case .status: return failure(fault, isAnthropic: isAnthropic, number: number)
            case .html:
                return ScriptedAnswer(
                    status: 502, headers: [("content-type", "text/html")],
                    steps: [.bytes(Array("<html><body><h1>502 Bad Gateway</h1></body></html>".utf8))])
            default: break
            }
        }
        guard var answer = scripted(request, number: number) else {
            return .json(
                ["error": ["message": .text("no such path: \(request.path)"), "type": "invalid_request_error"]],
                status: 404)
        }
        let identifier = "req_sim\(Script.pad(number, 12))"
        if bedrock != nil {
            answer.headers.append(("x-amzn-requestid", BedrockScript.requestID(number)))
        } else {
            answer.headers.append((isAnthropic ? "request-id" : "x-request-id", identifier))
        }
        if bedrock == nil, !isAnthropic { answer.headers.append(("openai-processing-ms", "7")) }
        state.serve(path: request.path, requestID: request.header("x-weir-request-id"), answer: answer)
        return answer
    }

    private func googleFailure(_ fault: Fault) -> ScriptedAnswer {
        let names = [
            400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
            503: "UNAVAILABLE",
        ]
        let message: JSONText = .text("simulated failure with status \(fault.number)")
        return .json(
            ["error": ["code": .integer(fault.number), "message": message, "status": .text(names[fault.number] ?? "INTERNAL")]],
            status: fault.number, headers: fault.retryAfter.map { [("retry-after", String($0))] } ?? [])
    }

    private func failure(_ fault: Fault, isAnthropic: Bool, number: Int) -> ScriptedAnswer {
        let names = [
            400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
            429: "rate_limit_error", 529: "overloaded_error",
        ]
        let type = names[fault.number] ?? "api_error"
        let identifier = "req_sim\(Script.pad(number, 12))"
        let message: JSONText = .text("simulated failure with status \(fault.number)")
        let body: JSONText =
            isAnthropic
            ? ["type": "error", "error": ["type": .text(type), "message": message], "request_id": .text(identifier)]
            : ["error": ["message": message, "type": .text(type), "param": nil, "code": .text(type)]]
        var headers = [(isAnthropic ? "request-id" : "x-request-id", identifier)]
        if let seconds = fault.retryAfter { headers.append(("retry-after", String(seconds))) }
        return .json(body, status: fault.number, headers: headers)
    }

    private func scripted(_ request: SimulationRequest, number: Int) -> ScriptedAnswer? {
        let path = Self.ownPath(request.path)
        let created = Int(Date().timeIntervalSince1970)
        if request.method == "GET" { return retrieved(path, request) }
        if request.method == "DELETE" { return deleted(path) }
        guard request.method == "POST" else { return nil }
        if path.hasPrefix("/responses/"), path.hasSuffix("/cancel") {
            return retrieved(String(path.dropLast(7)), request)
        }
        guard let body = JSONText.parse(request.body), case .object = body else {
            return .json(
                ["error": ["message": "the body is no JSON object", "type": "invalid_request_error"]], status: 400)
        }
        func turn(_ input: ScriptInput) -> ScriptedTurn {
            Script.next(input, options: request.options, number: number, created: created)
        }
        let bytes = request.body.count
        if let (model, method) = GeminiScript.call(request.path) {
            return google(request, body, model: model, method: method, turn: turn)
        }
        if let operation = BedrockScript.operation(path) {
            let text = String(decoding: request.body, as: UTF8.self)
            return BedrockScript.answer(operation, body: body, text: text, options: request.options, turn: turn)
        }
        switch path {
        case "/api/chat", "/api/generate":
            return OllamaScript.answer(
                turn(OllamaScript.input(body, bytes: bytes)), body: body, isChat: path == "/api/chat", options: request.options)
        case "/chat/completions":
            return ChatScript.answer(turn(ChatScript.input(body, bytes: bytes)), body: body, options: request.options)
        case "/completions":
            return ChatScript.completion(
                turn(ChatScript.input(body, bytes: bytes)), body: body, options: request.options)
        case "/embeddings": return ChatScript.embeddings(turn(ChatScript.input(body, bytes: bytes)))
        case "/responses":
            let made = turn(ResponsesScript.input(body, bytes: bytes))
            let answer = ResponsesScript.answer(made, body: body, options: request.options)
            if let id = answer.responseID {
                let whole = ResponsesScript.response(
                    made, status: "completed", output: ResponsesScript.output(made), usage: ResponsesScript.usage(made),
                    body: body)
                state.store(id, response: whole, input: body["input"] ?? [])
            }
            return answer
        case "/responses/compact":
            let made = turn(ResponsesScript.input(body, bytes: bytes))
            var answer = ScriptedAnswer.json([
                "id": .text("resp_sim\(made.id)"), "object": "response.compaction", "created_at": .integer(created),
                "output": [
                    ["type": "compaction", "id": .text("cmp_sim\(made.id)"), "encrypted_content": "c2ltdWxhdGVk"]
                ],
                "usage": ResponsesScript.usage(made),
            ])
            answer.usage = ResponsesScript.usage(made)
            answer.model = made.model
            return answer
        case "/responses/input_tokens":
            return .json(["object": "response.input_tokens", "input_tokens": .integer(max(16, bytes / 4))])
        case "/messages":
            if let refusal = MessagesScript.refusal(body) { return refusal }
            let input = MessagesScript.input(body, bytes: bytes, text: String(decoding: request.body, as: UTF8.self))
            return MessagesScript.answer(turn(input), body: body, options: request.options)
        case "/messages/count_tokens": return .json(["input_tokens": .integer(max(16, bytes / 4))])
        default: return nil
        }
    }

    private func google(
        _ request: SimulationRequest, _ body: JSONText, model: String, method: String, turn: (ScriptInput) -> ScriptedTurn
    ) -> ScriptedAnswer? {
        let input = GeminiScript.input(body, model: model, bytes: request.body.count)
        switch method {
        case "countTokens": return .json(["totalTokens": .integer(max(16, request.body.count / 4))])
        case "generateContent", "streamGenerateContent":
            if GeminiScript.lacksSignature(body, model: model) {
                return GeminiScript.refusal("Function call is missing a thought_signature in functionCall parts.")
            }
            return GeminiScript.answer(
                turn(input), streams: method == "streamGenerateContent", usesEvents: request.query["alt"] == "sse",
                options: request.options, givesIDs: request.header("x-sim-call-ids") == "yes")
        case "rawPredict", "streamRawPredict":
            // Vertex names Claude's model in the path; its version must stand in the body.
            guard body["anthropic_version"]?.string == "vertex-2023-10-16", body["model"] == nil || model == "count-tokens" else {
                return .json(
                    ["type": "error", "error": ["type": "invalid_request_error", "message": "anthropic_version: Field required"]],
                    status: 400)
            }
            if model == "count-tokens" { return .json(["input_tokens": .integer(max(16, request.body.count / 4))]) }
            var input = MessagesScript.input(body, bytes: request.body.count, text: String(decoding: request.body, as: UTF8.self))
            input.model = model
            return MessagesScript.answer(turn(input), body: body, options: request.options)
        default: return nil
        }
    }

    /// The path below which the native dialects have it: without a version, an Azure deployment or Foundry's prefix.
    private static func ownPath(_ path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        if parts.count > 3, parts[0] == "openai", parts[1] == "deployments" { return "/" + parts.dropFirst(3).joined(separator: "/") }
        for prefix in ["/openai/v1/", "/anthropic/v1/", "/openai/", "/v1/"] where path.hasPrefix(prefix) {
            return "/" + path.dropFirst(prefix.count)
        }
        return path
    }

    private func retrieved(_ path: String, _ request: SimulationRequest) -> ScriptedAnswer? {
        guard path.hasPrefix("/responses/") else { return nil }
        var id = String(path.dropFirst("/responses/".count))
        let wantsInput = id.hasSuffix("/input_items")
        if wantsInput { id = String(id.dropLast("/input_items".count)) }
        guard let stored = state.stored(id) else {
            return .json(
                ["error": ["message": .text("Response with id '\(id)' not found."), "type": "invalid_request_error"]],
                status: 404)
        }
        guard wantsInput else { return .json(stored.response) }
        let items =
            stored.input.string.map { [["type": "message", "role": "user", "content": .text($0)]] }
            ?? stored.input.elements
        return .json(["object": "list", "data": .array(items), "has_more": false])
    }

    private func deleted(_ path: String) -> ScriptedAnswer? {
        guard path.hasPrefix("/responses/") else { return nil }
        let id = String(path.dropFirst("/responses/".count))
        guard state.remove(id) else {
            return .json(
                ["error": ["message": .text("Response with id '\(id)' not found."), "type": "invalid_request_error"]],
                status: 404)
        }
        return .json(["id": .text(id), "object": "response", "deleted": true])
    }

    // MARK: The provider's own pages

    private func control(_ request: SimulationRequest) -> ScriptedAnswer {
        switch (request.method, request.path) {
        case ("GET", "/_sim/requests"): return .json(state.seenDocument())
        case ("DELETE", "/_sim/requests"):
            state.forgetSeen()
            return .json(["forgotten": true])
        case ("PUT", "/_sim/fault"):
            guard let fault = request.query["fault"].flatMap({ Fault($0) }) else {
                let known = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                return .json(["error": ["message": .text("fault is one of \(known)")]], status: 400)
            }
            state.arm(fault, count: Int(request.query["count"] ?? "") ?? 1)
            return .json(["armed": true])
        case ("GET", "/_sim/health"): return .json(["status": "ok"])
        default: return .json(["error": ["message": "no such page"]], status: 404)
        }
    }
}
