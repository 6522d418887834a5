// CodingClientTests: what every client has in common, and that one is a folder and a line.

import ClientSetup
import Foundation
import Testing

/// A machine without any file but these.
func place(
    _ files: [String: String] = [:], _ environment: [String: String] = [:], repository: WorkingRepository? = nil,
    gateway: String? = "https://gw.example"
) -> ClientPlace {
    ClientPlace(
        home: "/home/m", environment: environment, system: .linux, workingFolder: repository?.root ?? "/tmp", repository: repository,
        gateway: gateway,
        list: { folder in files.keys.filter { $0.hasPrefix("\(folder)/") }.map { String($0.dropFirst(folder.count + 1)) } },
        read: { path throws(SetupRefusal) in files[path].map { Array($0.utf8) } })
}

let someModels: [OfferedModel] = {
    var gpt = OfferedModel(id: "gpt-5.2", provider: "openai")
    gpt.contextTokens = 400_000
    gpt.outputTokens = 128_000
    gpt.inputPrice = "1.75"
    gpt.outputPrice = "14"
    gpt.cacheReadPrice = "0.175"
    return [
        gpt, OfferedModel(id: "gpt-5-mini", provider: "openai"), OfferedModel(id: "text-embedding-3-small", provider: "openai"),
        OfferedModel(id: "claude-sonnet-4-5", provider: "anthropic"), OfferedModel(id: "claude-haiku-4-5-20251001", provider: "anthropic"),
    ]
}()

@Suite struct CodingClientTests {
    private func context(_ place: ClientPlace, scope: SetupScope = .user, files: [String: String] = [:]) -> SetupContext {
        SetupContext(
            place: place, gateway: "https://gw.example", key: "weir_k_id_secret", models: someModels, scope: scope, gatewayFiles: files)
    }

    /// The files after the plan.
    private func applied(_ client: any CodingClient, _ context: SetupContext, _ files: [String: String]) throws -> [String: String] {
        var result = files
        for edit in try client.setup(context).files {
            let change = try edit.change(from: files[edit.path].map { Array($0.utf8) })
            result[edit.path] = String(decoding: change.after, as: UTF8.self)
        }
        return result
    }

    private func client(_ name: String) throws -> any CodingClient { try #require(codingClients.first { $0.name == name }) }

    @Test func aClientIsAFolderAndALine() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/ClientSetup")
        let folders = try FileManager.default.contentsOfDirectory(atPath: root.path).filter {
            !$0.hasSuffix(".swift") && $0 != "Editing" && $0 != "Plan"
        }
        #expect(folders.count == codingClients.count && Set(codingClients.map(\.name)).count == codingClients.count)
        for path in FileManager.default.enumerator(atPath: root.path)?.compactMap({ $0 as? String }) ?? [] where path.hasSuffix(".swift") {
            let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
            for folder in folders where !path.hasPrefix("\(folder)/") {
                let lines = text.split(separator: "\n").filter { $0.contains("\(folder)(") || $0.contains("\(folder).") }
                #expect(lines.isEmpty || (path == "CodingClients.swift" && lines.count == 1), "\(path) speaks of \(folder): \(lines)")
            }
        }
    }

    /// OpenCode's page is a longer one.
    @Test(arguments: codingClients.map(\.name).filter { $0 != "opencode" }) func aPageSaysTheTwoLinesAndTheGaps(_ name: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/clients/\(name).md"), encoding: .utf8)
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count > 4 && lines[2] == "```sh" && lines[5] == "```" && lines[3...4].joined().contains("weir connect \(name)"))
        #expect(page.contains("\n## What it writes\n") && page.contains("\n## What it cannot report\n"))
        let index = try String(contentsOf: root.appending(path: "docs/agents.md"), encoding: .utf8)
        #expect(index.contains("(clients/\(name).md)"))
    }

    /// The list was left as it is, and calls of Claude went past the gateway.
    @Test func whatElseAiderSetsStaysBesideTheGateway() throws {
        let path = "/home/m/.aider.conf.yml"
        let files = [path: "set-env:\n  - A=1\n  - ANTHROPIC_API_BASE=https://old.example\nread: x\n"]
        let aider = try client("aider")
        let once = try applied(aider, context(place(files)), files)
        #expect(once[path]?.hasPrefix("set-env:\n  - \"A=1\"\n  - \"ANTHROPIC_API_BASE=https://gw.example\"\nread: x\n") == true)
        #expect(try applied(aider, context(place(once)), once) == once)
        #expect(try aider.leaks(place(once)).isEmpty)
    }

    @Test(arguments: codingClients.map(\.name)) func connectedItLeaksNothingAndTwiceIsOnce(_ name: String) throws {
        let client = try client(name)
        let once = try applied(client, context(place()), [:])
        #expect(try applied(client, context(place(once)), once) == once)
        if name != "env" { #expect(try client.leaks(place(once)) == []) }
        for (path, text) in once where text.contains("weir_k_id_secret") {
            #expect(try client.setup(context(place())).files.first { $0.path == path }?.isSecret == true, "\(path) holds the key")
        }
    }

    @Test(arguments: ["opencode", "claude-code", "codex", "crush", "aider", "mini-swe-agent", "continue"])
    func unconnectedItLeaks(_ name: String) throws {
        #expect(try !client(name).leaks(place()).isEmpty)
    }

    @Test func openCodeKeepsTheUsersProvidersAndSendsThemThroughTheGateway() throws {
        let path = "/home/m/.config/opencode/opencode.jsonc"
        let files = [
            path: """
            {
              // mine
              "model": "anthropic/claude-sonnet-4-5",
              "provider": {"anthropic": {"options": {"timeout": 9}}, "ollama": {"options": {"baseURL": "http://localhost:1/v1"}}},
              "agent": {"plan": {"model": "openai/gpt-5.2", "prompt": "p"}},
            }
            """
        ]
        let opencode = try client("opencode")
        #expect(try opencode.leaks(place(files)).count >= 4)
        let after = try applied(opencode, context(place(files)), files)
        let settings = try FileFormat.json.parse(Array(try #require(after[path]).utf8))
        #expect(settings["model"] == "anthropic/claude-sonnet-4-5", "it goes through the gateway now, so it stays")
        #expect(settings["small_model"] == "weir/gpt-5-mini")
        #expect(settings.at(["agent", "plan", "model"]) == "weir/gpt-5.2")
        #expect(settings.at(["provider", "anthropic", "options", "timeout"]) == 9)
        #expect(settings.at(["provider", "anthropic", "options", "baseURL"]) == "https://gw.example/v1")
        #expect(settings["enabled_providers"] == ["weir", "weir-anthropic", "anthropic"])
        #expect(settings.at(["provider", "weir", "models", "gpt-5.2", "limit"]) == ["context": 400_000, "output": 128_000])
        #expect(
            settings.at(["provider", "weir", "models", "gpt-5.2", "cost"])
                == ["input": .number("1.75"), "output": 14, "cache_read": .number("0.175")])
        #expect(settings.at(["provider", "weir", "models", "text-embedding-3-small"]) == nil)
        #expect(try #require(after[path]).contains("// mine"))
        #expect(try opencode.leaks(place(after)) == [])
    }

    @Test func openCodeGetsThePluginWithTheGatewayInIt() throws {
        let plugin = "// plugin\nconst GATEWAY = \"\";\nexport default {}\n"
        let after = try applied(client("opencode"), context(place(), files: ["/opencode/plugin.js": plugin]), [:])
        #expect(after["/home/m/.config/opencode/plugins/weir.js"] == plugin.replacing("\"\"", with: "\"https://gw.example\""))
    }

    @Test(arguments: [
        ("auth.json", ["/home/m/.local/share/opencode/auth.json": "{\"openai\": {\"type\": \"oauth\"}}"], [:], "openai"),
        ("key", [:], ["GROQ_API_KEY": "gsk"], "GROQ_API_KEY"),
        ("project", ["/work/shop/opencode.json": "{\"small_model\": \"groq/x\"}"], [:], "small_model"),
        ("content", [:], ["OPENCODE_CONFIG_CONTENT": "{\"model\": \"xai/grok\"}"], "model"),
        (
            "managed", ["/etc/opencode/opencode.json": "{\"provider\": {\"corp\": {\"options\": {\"baseURL\": \"https://other\"}}}}"], [:],
            "corp"
        ),
    ])
    func openCodesLeaksAreFoundAtEveryLevel(_ what: String, _ files: [String: String], _ environment: [String: String], _ word: String)
        throws
    {
        let opencode = try client("opencode")
        var all = try applied(opencode, context(place()), [:])
        // Without the list that shuts others out.
        let path = "/home/m/.config/opencode/opencode.json"
        let open = try FileEdit(path, .json, [.remove(["enabled_providers"]), .set(["disabled_providers"], ["opencode"])])
            .change(from: Array(try #require(all[path]).utf8))
        all[path] = String(decoding: open.after, as: UTF8.self)
        all.merge(files) { $1 }
        let repository = WorkingRepository(root: "/work/shop", label: nil, branch: nil)
        let leaks = try opencode.leaks(place(all, environment, repository: repository))
        #expect(leaks.count == 1 && leaks.contains { $0.text.contains(word) }, "\(leaks)")
    }

    @Test func claudeCodeLosesTheKeysThatWouldBeSentBesideOurs() throws {
        let path = "/home/m/.claude/settings.json"
        let files = [path: "{\"env\":{\"ANTHROPIC_API_KEY\":\"sk-1\",\"X\":\"1\"},\"model\":\"opus\"}"]
        let claude = try client("claude-code")
        let after = try applied(claude, context(place(files)), files)
        let settings = try FileFormat.json.parse(Array(try #require(after[path]).utf8))
        #expect(settings.at(["env", "ANTHROPIC_API_KEY"]) == nil && settings.at(["env", "X"]) == "1" && settings["model"] == "opus")
        #expect(try claude.leaks(place(after, ["ANTHROPIC_AUTH_TOKEN": "weir_k_id_secret"])).count == 1)
        #expect(try claude.leaks(place(after, ["CLAUDE_CODE_USE_BEDROCK": "1"])).count == 1)
    }

    @Test(arguments: [
        ("https://gw.example", GatewayReach.fine), ("http://127.0.0.1:8787", .fine), ("http://localhost", .fine), ("http://[::1]:1", .fine),
        ("http://10.1.2.3", .exposed), ("http://192.168.0.9:80", .exposed), ("http://weir:8787", .exposed),
        ("http://weir.internal", .exposed),
        ("http://172.32.0.1", .refused), ("http://gw.example", .refused), ("http://8.8.8.8", .refused), ("http://10.example.com", .refused),
        ("http://127.example.com", .refused), ("http://fd.example.com", .refused),
    ])
    func keysGoInTheClearOnlyNearby(_ origin: String, _ reach: GatewayReach) {
        #expect(GatewayReach(origin) == reach)
    }
}
