// DemoVerb: `weir demo`: a simulated provider, a gateway on a fresh folder, a team at work, and the reports that come of it.

import AdminAPI
import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Reports
import ServerConfiguration
import Simulation

#if canImport(Glibc)
    import Glibc
#endif

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show all of it: a simulated provider, agents at work, the reports. Needs no account.")
    @Option(help: ArgumentHelp("The gateway's address.", valueName: "host:port")) var listen = "127.0.0.1:8787"
    @Flag(help: "End after the reports instead of running on.") var once = false

    func run() async throws {
        let provider = try await SimulatedProvider.start(SimulationOptions())
        let place = "\(NSTemporaryDirectory())/weir-demo-\(UInt32.random(in: 0...UInt32.max))"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let text = """
            listen: "\(listen)"
            data: "\(place)"
            log:
              level: warning
            providers:
              - name: simulated
                kind: simulated
                base_url: http://127.0.0.1:\(provider.port)
            """
        let settings = try ConfigurationReader.read(text: text, file: "demo", environment: [:])
        let folder = DataFolder(place)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runServer(settings: settings, reload: { settings }) }
            let client = AdminClient(socket: folder.socket)
            let address = try await waitUntilRunning(client, folder)
            let key = try await DemoTeam(client: client, gateway: "http://\(address)").work()
            try await report(client, "developer")
            try await report(client, "repository,model")
            if once {
                // The server ends as it would for its operator: drained and settled.
                kill(getpid(), SIGTERM)
                try await group.waitForAll()
                return
            }
            let data = "--data \(place)"
            try output(
                """

                Weir runs on http://\(address). Look around from another terminal, end with Control-C:
                  weir session list \(data)
                  weir tail \(data)
                  curl http://\(address)/v1/chat/completions -H "authorization: Bearer \(key)" \\
                    -d '{"model":"gpt-5.2","messages":[{"role":"user","content":"hello"}]}'

                """)
            try await group.waitForAll()
        }
        await provider.stop()
    }

    private func waitUntilRunning(_ client: AdminClient, _ folder: DataFolder) async throws -> String {
        for _ in 0..<500 {
            if isListening(folder.socket), let status: StatusView = try? await client.get("/status"), !status.listen.isEmpty {
                return status.listen
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CommandFailure("demo_failed", "the gateway did not start", mend: "is \(listen) taken? Choose another: --listen HOST:PORT")
    }

    private func report(_ client: AdminClient, _ by: String) async throws {
        let report: SpendReport = try await client.get("/reports/spend", query: [("by", by)])
        try output("\nweir report spend --by \(by)\n" + spendTable(report).text(width: 100))
    }
}

/// Two teams, three developers and their agents.
private struct DemoTeam {
    let client: AdminClient
    let gateway: String

    private struct Work {
        var developer: String
        var team: String
        var repository: String
        var branch: String
        var model: String
        var turns: Int
    }

    private static let works = [
        Work(developer: "maria", team: "web", repository: "github.com/acme/shop", branch: "fix-cart", model: "claude-sonnet-4-5", turns: 6),
        Work(developer: "maria", team: "web", repository: "github.com/acme/shop", branch: "fix-cart", model: "claude-haiku-4-5", turns: 3),
        Work(developer: "jon", team: "web", repository: "github.com/acme/shop", branch: "main", model: "gpt-5.2", turns: 5),
        Work(developer: "aiko", team: "data", repository: "github.com/acme/pipeline", branch: "backfill", model: "gpt-5-mini", turns: 8),
    ]

    /// Makes the entities, plays the sessions, and gives one of the keys.
    func work() async throws -> String {
        var keys: [String: String] = [:]
        for work in Self.works where keys[work.developer] == nil {
            var request = KeyRequest()
            request.developer = work.developer
            request.team = work.team
            let made: KeySecretView = try await client.post("/keys", request)
            keys[work.developer] = made.secret
        }
        for (number, work) in Self.works.enumerated() {
            guard let key = keys[work.developer] else { continue }
            for turn in 1...work.turns { try await call(work, key: key, session: "demo-\(number)", turn: turn) }
        }
        return keys["maria"] ?? ""
    }

    private func call(_ work: Work, key: String, session: String, turn: Int) async throws {
        let isClaude = work.model.hasPrefix("claude")
        var request = HTTPClientRequest(url: gateway + (isClaude ? "/v1/messages" : "/v1/chat/completions"))
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(key)")
        request.headers.add(name: "content-type", value: "application/json")
        if isClaude { request.headers.add(name: "anthropic-version", value: "2023-06-01") }
        for (name, value) in [
            ("x-weir-session", session), ("x-weir-repo", work.repository), ("x-weir-branch", work.branch), ("x-weir-agent", "build"),
            ("x-sim-input-tokens", String(9_000 + turn * 4_100)),
        ] {
            request.headers.add(name: name, value: value)
        }
        var messages: [[String: String]] = []
        for round in 1...turn {
            messages.append(["role": "user", "content": "step \(round) of the task"])
            if round < turn { messages.append(["role": "assistant", "content": "done"]) }
        }
        let body = DemoBody(model: work.model, outputTokensMax: 2048, stream: true, messages: messages)
        request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let answer = try await response.body.collect(upTo: 1 << 20)
        guard response.status == .ok else {
            throw CommandFailure("demo_failed", String(buffer: answer), mend: "this is a defect: report it")
        }
    }
}

private struct DemoBody: Encodable {
    var model: String
    var outputTokensMax: Int
    var stream: Bool
    var messages: [[String: String]]

    enum CodingKeys: String, CodingKey {
        case model, stream, messages
        case outputTokensMax = "max_tokens"
    }
}
