// Labels behind the dot of a key: which they are, what they are weaker than, and that malformed ones give none and break nothing.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct CredentialLabelTests {
    static let key = "weir_k_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq2SWm0B"

    private func labelled(_ form: String) -> String { Self.key + "." + base64URL(form.utf8) }

    private func read(
        _ fields: [(String, String)], body: String = "{}", repository: String? = nil
    ) throws -> Attribution {
        var key = VirtualKey(
            id: "0123456789", principal: Principal(keyID: "0123456789", workspace: "w", team: "t"), secrets: [])
        key.repository = repository
        return try Array(body.utf8).withUnsafeBytes { text in
            let request = body == "{}" ? RequestHead() : try readRequest(.responses, body: text, depthMax: 128)
            return AttributionReader.read(fields: HTTPFields(fields), request: request, body: text, key: key)
        }
    }

    static let full =
        "repo=https%3A%2F%2Fuser%3As3cret%40GitHub.com%2Facme%2Fshop.git&branch=feature/a%26b+c&commit=4c1f"
        + "&session=s1&parent=p1&agent=build"

    @Test(arguments: ["Authorization", "authorization", "x-api-key", "X-Goog-Api-Key", "api-key"])
    func everyFieldThatCarriesAKeyCarriesLabels(name: String) throws {
        let value = labelled(Self.full)
        let found = try read([(name, name.lowercased() == "authorization" ? "Bearer " + value : value)])
        #expect(found.repository == Label("github.com/acme/shop", .credential))
        #expect(found.branch == Label("feature/a&b c", .credential) && found.commit == Label("4c1f", .credential))
        #expect(found.session == Label("s1", .credential) && found.parentSession == Label("p1", .credential))
        #expect(found.agent == Label("build", .credential))
    }

    @Test func weirsHeadersAreStronger() throws {
        let found = try read([
            ("x-api-key", labelled(Self.full)), ("x-weir-repo", "acme/other"), ("x-weir-session", "s2"),
            ("x-weir-agent", "plan"), ("x-weir-parent-session", "p2"),
        ])
        #expect(found.repository == Label("acme/other", .weirHeader) && found.session == Label("s2", .weirHeader))
        #expect(found.agent == Label("plan", .weirHeader) && found.parentSession == Label("p2", .weirHeader))
        #expect(found.branch == nil && found.commit == nil, "a branch of one repository says nothing of another")
    }

    @Test(arguments: ["acme/shop", "github.com/acme/shop", "git@github.com:acme/shop.git"])
    func aBranchJoinsTheSameRepositoryFromAHeader(name: String) throws {
        let found = try read([("x-api-key", labelled(Self.full)), ("x-weir-repo", name)])
        #expect(found.repository?.source == .weirHeader && found.branch == Label("feature/a&b c", .credential))
        let explicit = try read([("x-api-key", labelled(Self.full)), ("x-weir-repo", name), ("x-weir-branch", "")])
        #expect(explicit.branch == nil)
    }

    @Test func whatTheAgentSaysItselfIsStronger() throws {
        let metadata =
            #"{"workspaces":{"/h":{"associated_remote_urls":{"origin":"https://github.com/acme/shop"},"latest_git_commit_hash":"8d2f"}}}"#
        let found = try read([
            ("Authorization", "Bearer " + labelled(Self.full)), ("session-id", "c1"),
            ("x-codex-turn-metadata", metadata), ("x-openai-subagent", "collab_spawn"),
        ])
        #expect(found.session == Label("c1", .agent) && found.agent == Label("collab_spawn", .agent))
        #expect(found.repository == Label("github.com/acme/shop", .agent) && found.commit == Label("8d2f", .agent))
        #expect(found.branch == Label("feature/a&b c", .credential), "Codex does not say its branch")
    }

    @Test func theKeysBindingIsWeaker() throws {
        let bound = "github.com/acme/bound"
        let found = try read([("x-api-key", labelled("repo=git@github.com:acme/shop"))], repository: bound)
        #expect(found.repository == Label("github.com/acme/shop", .credential))
        let path = try read([("x-api-key", labelled("repo=/home/maria/shop&branch=main"))], repository: bound)
        #expect(path.repository == Label(bound, .key) && path.branch == Label("main", .credential))
    }

    @Test func oneFieldWithLabelsAndOneWithoutGiveThem() throws {
        let found = try read([("x-api-key", Self.key), ("Authorization", "Bearer " + labelled("branch=main"))])
        #expect(found.branch == Label("main", .credential))
    }

    @Test func malformedLabelsAreNone() throws {
        let whole = labelled("branch=main&repo=acme/shop")
        let texts = [
            Self.key, Self.key + ".", whole + "=", whole + "==", whole + ".x", whole + "+", whole + "/", Self.key + ".A",
            Self.key + ".YnJhbmNoPW1haW5", labelled("branch"), labelled("branch="), labelled("branch=%"),
            labelled("branch=%g0"), labelled("branch=%+f"), labelled("branch=a%0Ab"), labelled("branch=a%C2%9Bb"),
            labelled("branch=%FF"), labelled("Branch=main"), labelled("branch=" + String(repeating: "b", count: 257)),
            labelled("branch=main&x=" + String(repeating: "b", count: 4096)),
            Self.key.dropLast() + "." + base64URL("branch=main".utf8), Self.key + "0." + base64URL("branch=main".utf8),
        ]
        for text in texts {
            let found = try read([("x-api-key", text)])
            #expect(found.branch == nil && found.repository == nil, "\(text)")
        }
        let mixed = try read([("x-api-key", labelled("&&=&repo=..&branch=%zz&unknown=1&branch=main&branch=other&commit"))])
        #expect(mixed.branch == Label("main", .credential) && mixed.repository == nil && mixed.commit == nil)
    }

    @Test func aNestedSubAgentNamesTheOneThatBeganIt() throws {
        let claude = try read([
            ("x-claude-code-session-id", "s"), ("x-claude-code-agent-id", "a2"), ("x-claude-code-parent-agent-id", "a1"),
        ])
        #expect(claude.session == Label("s", .agent) && claude.subAgent == Label("a2", .agent))
        #expect(claude.tags == ["parent_agent": "a1"] && claude.parentSession == nil)
        let codex: (String) throws -> Attribution = { parent in
            try read([("session-id", "s"), ("thread-id", "t2"), ("x-codex-parent-thread-id", parent)])
        }
        #expect(try codex("t1").tags == ["parent_agent": "t1"])
        #expect(try codex("s").tags.isEmpty, "the session itself is no sub-agent")
    }

    @Test func codexWithoutItsHeadersIsKnownByItsBody() throws {
        let body =
            #"{"model":"m","input":"x","client_metadata":{"session_id":"s","thread_id":"t","x-codex-turn-metadata":"{}"}}"#
        let found = try read([("originator", "codex_exec")], body: body)
        #expect(found.session == Label("s", .agent) && found.subAgent == Label("t", .agent))
        let root = try read([], body: body.replacing("\"t\"", with: "\"s\""))
        #expect(root.session == Label("s", .agent) && root.subAgent == nil)
    }
}
