// Each refusal in each dialect for each kind of client: a status and retry advice that make it stop or wait, a body that it
// can read, and words that name the mend.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct ErrorReplyTests {
    static let id = RequestID(time: Timestamp(seconds: 1_764_000_000), random: 7, random12: 9)

    static let errors: [GatewayError] = [
        .missingKey, .malformedKey, .invalidKey, .conflictingKeys, .revokedKey(keyID: "k123456789"),
        .expiredKey(keyID: "k123456789"), .keyNotYetValid(keyID: "k123456789"),
        .addressNotAllowed(keyID: "k123456789", address: "10.0.0.1"),
        .endpointNotAllowed(keyID: "k123456789", endpoint: "messages"),
        .modelNotAllowed(keyID: "k123456789", model: "gpt-5", allowed: ["a*", "b", "c", "d", "e", "f"]),
        .repositoryNotAllowed(keyID: "k123456789", repository: "github.com/a/b", bound: "github.com/c/d"),
        .missingLabel("repository"), .unknownResponse(id: "resp_1"), .missingModel,
        .unknownModel(model: "gtp-5", suggestions: ["gpt-5"]), .unknownModel(model: "x", suggestions: []),
        .ambiguousModel(model: "m", providers: ["a", "b"]),
        .dialectNotServed(provider: "ollama", dialect: .openAIResponses),
        .cannotTranslate(
            parameter: "n", reason: "asks for several answers, and one is given", provider: "anthropic", dialect: .anthropicMessages),
        .malformedJSON(reason: "x", offset: 5),
        .duplicateField(name: "model"), .jsonTooDeep(max: 128), .bodyTooLarge(maxBytes: 1),
        .lengthRequired, .unsupportedContentEncoding("br"), .unknownPath(method: "GET", path: "/x"),
        .methodNotAllowed(method: "GET", path: "/v1/messages", allowed: "POST"), .webSocketNotSupported,
        .tooManyConnections, .upstreamConnectFailed(provider: "openai", reason: "refused"),
        .upstreamTimedOut(provider: "openai", seconds: 600), .upstreamClosed(provider: "openai"),
        .upstreamMalformed(provider: "openai", reason: "x"),
        .upstreamAddressForbidden(provider: "openai", reason: "it is private"), .upstreamBusy(provider: "openai"),
        .journalUnavailable, .limitCountersFull, .unpricedUnderBudget(model: "m", provider: "p", budget: "b"),
        .shuttingDown, .noProvider, .originBusy, .originFailed(requestID: "r"), .originTimedOut(seconds: 30),
        .originBodyTooLarge(maxBytes: 65_536),
    ]

    static let endpoints: [Endpoint?] = Endpoint.allCases.map { $0 } + [nil]

    private func members(_ reply: ErrorReply) -> (top: [String: String], error: [String: String]) {
        func read(_ bytes: UnsafeRawBufferPointer) -> [String: String] {
            var found: [String: String] = [:]
            visitJSONMembers(bytes) { found[$0.key] = $0.string ?? String(decoding: $0.value, as: UTF8.self) }
            return found
        }
        return reply.body.withUnsafeBytes { bytes in
            var inner: [String: String] = [:]
            visitJSONMembers(bytes) { if $0.isNamed("error"), $0.kind == .object { inner = read($0.value) } }
            return (read(bytes), inner)
        }
    }

    private func header(_ reply: ErrorReply, _ name: String) -> String? {
        reply.headers.first { $0.0.lowercased() == name }?.1
    }

    @Test(arguments: errors) func everyRefusalIsReadableInEveryDialect(_ error: GatewayError) {
        for endpoint in Self.endpoints {
            for client in ClientKind.allCases {
                let reply = errorReply(error, endpoint: endpoint, client: client, requestID: Self.id)
                #expect(scanWhole(reply.body).isValid)
                #expect((400...599).contains(reply.status))
                #expect(header(reply, "content-type") == "application/json")
                let (top, inner) = members(reply)
                let isBedrock = endpoint?.dialect.isBedrock == true
                let message = (isBedrock ? top["message"] : endpoint?.dialect == .ollama ? top["error"] : inner["message"]) ?? ""
                #expect(message.count > 15 && message.utf8.count <= 300, "\(message)")
                #expect(message.last == "." || message.last == "?", "\(message)")
                for word in ["safety", "content policy", "context length"] {
                    #expect(!message.lowercased().contains(word))
                }
                if isBedrock {
                    #expect(top["code"] == error.code && header(reply, "x-amzn-errortype")?.hasSuffix("Exception") == true)
                } else if endpoint?.dialect.isAnthropic == true {
                    #expect(
                        top["type"] == "error" && top["request_id"] == Self.id.description
                            && inner["type"]?.hasSuffix("_error") == true || inner["type"] == "request_too_large")
                } else if endpoint?.dialect == .gemini {
                    #expect(inner["code"] == String(reply.status) && inner["status"]?.isEmpty == false)
                    #expect(inner["details"]?.contains("\"reason\":\"\(error.code)\"") == true)
                } else if endpoint?.dialect == .ollama {
                    #expect(top.count == 1)
                } else {
                    let parameter = error.code == "cannot_translate" ? "n" : "null"
                    #expect(inner["code"] == error.code && inner["param"] == parameter && inner["type"]?.isEmpty == false)
                }
                // Exactly one advice: wait so long, or do not come again.
                let waits = header(reply, "retry-after").flatMap(Int.init)
                let stops = header(reply, "x-should-retry") == "false"
                #expect((waits != nil) != stops)
                if let waits { #expect((1...60).contains(waits) && reply.status >= 500) }
            }
        }
    }

    private func status(_ error: GatewayError, _ endpoint: Endpoint?, _ client: ClientKind = .other) -> Int {
        errorReply(error, endpoint: endpoint, client: client, requestID: Self.id).status
    }

    @Test func theMatrixOfStatuses() {
        let key = GatewayError.invalidKey
        let model = GatewayError.modelNotAllowed(keyID: "k", model: "m", allowed: [])
        let unknown = GatewayError.unknownModel(model: "m", suggestions: [])
        for client in ClientKind.allCases {
            for endpoint in [Endpoint.chatCompletions, .messages, .responses] {
                #expect(status(key, endpoint, client) == 401)
            }
            #expect(status(model, .chatCompletions, client) == 403 && status(model, .messages, client) == 403)
            // OpenCode 1 repeats a 404 of a provider called openai without an end.
            #expect(status(unknown, .chatCompletions, client) == (client == .openCode ? 400 : 404))
            #expect(status(.noProvider, .chatCompletions, client) == (client == .openCode ? 400 : 503))
            // A 404 makes Claude Code replace the message by its own, a 400 makes it ask again.
            #expect(status(unknown, .messages, client) == (client == .claudeCode ? 410 : 400))
            #expect(status(.upstreamConnectFailed(provider: "p", reason: "r"), .responses, client) == 503)
            #expect(status(.journalUnavailable, .messages, client) == 503)
            #expect(status(.bodyTooLarge(maxBytes: 1), .messages, client) == 413)
            #expect(status(.webSocketNotSupported, .responses, client) == 426)
            #expect(status(.methodNotAllowed(method: "PUT", path: "/", allowed: "GET"), nil, client) == 405)
        }
        // Codex repeats what is 403 or 404 and prints the body of a 400 after one request.
        #expect(status(model, .responses, .codex) == 400 && status(unknown, .responses, .codex) == 400)
        #expect(status(model, .responses) == 403)
    }

    @Test func typesAreThoseOfTheDialect() {
        func type(_ error: GatewayError, _ endpoint: Endpoint) -> String? {
            members(errorReply(error, endpoint: endpoint, client: .other, requestID: Self.id)).error["type"]
        }
        #expect(type(.revokedKey(keyID: "k"), .messages) == "authentication_error")
        #expect(type(.modelNotAllowed(keyID: "k", model: "m", allowed: []), .messages) == "permission_error")
        #expect(type(.unknownModel(model: "m", suggestions: []), .messages) == "not_found_error")
        #expect(type(.bodyTooLarge(maxBytes: 1), .messages) == "request_too_large")
        #expect(type(.shuttingDown, .messages) == "overloaded_error")
        #expect(type(.upstreamTimedOut(provider: "p", seconds: 1), .messages) == "timeout_error")
        #expect(type(.invalidKey, .chatCompletions) == "invalid_request_error")
    }

    @Test func everyMendIsNamed() {
        let mends: [(GatewayError, String)] = [
            (.missingKey, "Authorization: Bearer"), (.revokedKey(keyID: "k1"), "k1"),
            (.expiredKey(keyID: "k1"), "weir key rotate k1"), (.keyNotYetValid(keyID: "k1"), "--not-before"),
            (.addressNotAllowed(keyID: "k1", address: "a"), "--network"),
            (.endpointNotAllowed(keyID: "k1", endpoint: "e"), "--endpoint"),
            (.repositoryNotAllowed(keyID: "k1", repository: "r", bound: "b"), "--repository"),
            (.modelNotAllowed(keyID: "k1", model: "m", allowed: ["gpt-*"]), "gpt-*"),
            (.missingLabel("repository"), "x-weir-repo"), (.unknownModel(model: "m", suggestions: ["mm"]), "mm"),
            (.ambiguousModel(model: "m", providers: ["a", "b"]), "a/m"),
            (.bodyTooLarge(maxBytes: 1), "limits.request_body_bytes_max"),
            (.jsonTooDeep(max: 1), "limits.json_depth_max"),
            (.upstreamAddressForbidden(provider: "p", reason: "r"), "allow_private_addresses"),
            (.noProvider, "OPENAI_API_KEY"), (.journalUnavailable, "weir doctor"),
            (.duplicateField(name: "model"), "model"),
            (.unknownPath(method: "GET", path: "/x"), "/v1"),
            (.methodNotAllowed(method: "GET", path: "/x", allowed: "POST"), "POST"), (.missingModel, "/v1/models"),
        ]
        for (error, mend) in mends {
            let message =
                members(errorReply(error, endpoint: .chatCompletions, client: .other, requestID: Self.id)).error[
                    "message"] ?? ""
            #expect(message.contains(mend), "\(message)")
        }
    }

    @Test func aClientsWordsCannotBreakTheMessage() {
        let nasty = "\"}\n\u{0}\u{1B}[31m</script>" + String(repeating: "x", count: 5000)
        for error in [
            GatewayError.unknownModel(model: nasty, suggestions: []), .unknownPath(method: nasty, path: nasty),
            .modelNotAllowed(keyID: "k", model: nasty, allowed: []),
            .repositoryNotAllowed(keyID: "k", repository: nasty, bound: "b"), .unsupportedContentEncoding(nasty),
            .unknownResponse(id: nasty), .methodNotAllowed(method: nasty, path: nasty, allowed: "GET"),
            .ambiguousModel(model: nasty, providers: ["a"]),
        ] {
            for endpoint in [Endpoint.chatCompletions, .messages] {
                let reply = errorReply(error, endpoint: endpoint, client: .other, requestID: Self.id)
                #expect(scanWhole(reply.body).isValid && reply.body.count < 1000)
                let message = members(reply).error["message"] ?? ""
                #expect(message.unicodeScalars.allSatisfy { $0.value >= 32 }, "\(message)")
            }
        }
    }

    @Test func clientsAreKnownByTheirFields() {
        func kind(_ fields: [(String, String)]) -> ClientKind { ClientKind(fields: HTTPFields(fields)) }
        #expect(kind([("originator", "codex_exec")]) == .codex && kind([("User-Agent", "codex_cli_rs/0.1")]) == .codex)
        #expect(
            kind([("user-agent", "claude-cli/2.1")]) == .claudeCode && kind([("user-agent", "opencode/2")]) == .openCode
        )
        #expect(kind([]) == .other && kind([("user-agent", "OpenAI/Python 2")]) == .other)
    }
}
