// ClientCheck: one real call the way a client's own configuration says, and what of it arrived.

import AdminAPI
import ClientSetup
import Foundation
import GatewayModel
import NIOHTTP1

/// Makes the call and reads the answer.
struct ClientCheck {
    let client: any CodingClient
    let call: ConfiguredCall
    let server: ServerOptions

    func run() async throws {
        let key = try credential()
        let model = try await model(key)
        for line in call.found { try output("\(line)\n") }
        var base = call.base
        while base.hasSuffix("/") { base.removeLast() }
        let answer = try await GatewayProbe(gateway: base, key: key).send(
            .POST, base + call.path, headers: headers(key), body: body(model))
        guard let id = answer.headers.first(name: "x-weir-request-id") else {
            throw CommandFailure(
                "not_through_weir", "\(base)\(call.path) answers \(answer.status), and it is not Weir that answers",
                mend: "weir connect \(client.name), then weir doctor --client \(client.name)")
        }
        guard answer.status == 200 else {
            let said = GatewayProbe.message(answer) ?? String(answer.text.prefix(200))
            throw CommandFailure(
                "call_refused",
                "\(client.title)'s call is answered \(answer.status): \(said)",
                mend: answer.status == 401
                    ? "get another key: weir login   (then weir connect \(client.name))" : "weir turn show \(id)   says more")
        }
        try output("\(client.title)'s call arrived as \(id).\n")
        try await describe(id, answer, model, labels(key))
    }

    /// What the client would send as its key.
    private func credential() throws -> String {
        switch call.credential {
        case .text(let text): return text
        case .command(let words):
            let done = runProgram(words)
            guard let done, done.status == 0, !done.output.isEmpty else {
                let said = done.map { $0.errors.isEmpty ? "" : ": \($0.errors)" } ?? ""
                throw CommandFailure(
                    "credential_failed", "the command that prints the key failed: \(words.joined(separator: " "))\(said)",
                    mend: "weir login, then weir connect \(client.name)")
            }
            return done.output
        }
    }

    private func model(_ key: String) async throws -> String {
        if let model = call.model { return model }
        let gateway = call.base.hasSuffix("/v1") ? String(call.base.dropLast(3)) : call.base
        let models = try await GatewayProbe(gateway: gateway, key: key).models()
        guard let first = models.first(where: { $0.isClaude == (call.dialect == .messages) }) ?? models.first else {
            throw CommandFailure("no_model", "the key may use no model", mend: "weir key show tells which models it may use")
        }
        return first.id
    }

    private func headers(_ key: String) -> [(String, String)] {
        let credential: (String, String)
        switch call.dialect {
        case .messages: credential = ("x-api-key", key)
        case .generateContent: credential = ("x-goog-api-key", key)
        default: credential = ("authorization", "Bearer \(key)")
        }
        var headers = call.headers + [credential, ("user-agent", "weir/\(weirVersion) (connect --check \(client.name))")]
        if call.dialect == .messages, !headers.contains(where: { $0.0.lowercased() == "anthropic-version" }) {
            headers.append(("anthropic-version", "2023-06-01"))
        }
        return headers
    }

    private func body(_ model: String) -> String {
        let model = FileFormat.quotedJSON(model)
        let text = "Reply with the word ok."
        switch call.dialect {
        case .chatCompletions: return #"{"model":\#(model),"messages":[{"role":"user","content":"\#(text)"}],"max_completion_tokens":16}"#
        case .messages: return #"{"model":\#(model),"max_tokens":16,"messages":[{"role":"user","content":"\#(text)"}]}"#
        case .responses: return #"{"model":\#(model),"input":"\#(text)","max_output_tokens":16,"store":false}"#
        case .generateContent: return #"{"contents":[{"role":"user","parts":[{"text":"\#(text)"}]}]}"#
        }
    }

    /// From the admin socket, when a server's folder is at hand, everything; otherwise what the answer tells.
    private func describe(_ id: String, _ answer: GatewayProbe.Answer, _ model: String, _ labels: [(String, String)]) async throws {
        if isListening(server.folder.socket),
            let turn: TurnView = try? await AdminClient(socket: server.folder.socket).get("/turns/\(segment(id))")
        {
            try output(turnText(turn))
            return
        }
        try output("model: \(model)\n")
        if let deployment = answer.headers.first(name: "x-weir-deployment") { try output("deployment: \(deployment)\n") }
        if let cost = answer.headers.first(name: "x-weir-cost-nano-usd").flatMap({ Int64($0) }) {
            try output("cost: $\(NanoUSD(cost).dollars)\n")
        }
        for (name, value) in labels { try output("\(name): \(inert(value))\n") }
        try output("All of it, developer and team too: weir turn show \(id), where the server's folder is (--data DIR).\n")
    }

    /// Whose key it is, as login stored it, and the labels that went with the call, in its headers or in the key.
    private func labels(_ key: String) -> [(String, String)] {
        var form = ""
        if let dot = key.firstIndex(of: ".") {
            var text = String(key[key.index(after: dot)...]).replacing("-", with: "+").replacing("_", with: "/")
            while text.utf8.count % 4 != 0 { text += "=" }
            form = Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        let fields = form.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let secret = key.prefix { $0 != "." }
        let login = try? UserFolder().credentials().gateways.values.first { $0.key == secret }
        let owner = [("developer", login?.developer), ("team", login?.team)].compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : (name, $0) }
        }
        return owner
            + [("repository", "repo"), ("branch", "branch"), ("commit", "commit")].compactMap { name, field in
                let header = call.headers.last { $0.0.lowercased() == "x-weir-\(field)" }?.1
                let inKey = fields.last { $0.count == 2 && $0[0] == field }?[1].removingPercentEncoding
                return (header ?? inKey).map { (name, field == "repo" ? repositoryLabel($0) ?? $0 : $0) }
            }
    }
}
