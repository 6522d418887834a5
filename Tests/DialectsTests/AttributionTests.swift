// Labels from headers and bodies: each client as it really calls, the order of the sources, and that what is explicit but
// invalid gives none.

import Dialects
import GatewayModel
import Testing
import WireFormat

@Suite struct AttributionTests {
    private func read(_ fields: [(String, String)], body: String = "{}", repository: String? = nil) throws
        -> Attribution
    {
        let bytes = Array(body.utf8)
        var key = VirtualKey(
            id: "0123456789", principal: Principal(keyID: "0123456789", workspace: "w", team: "t"), secrets: [])
        key.repository = repository
        return try bytes.withUnsafeBytes { text in
            var request = RequestHead()
            if !body.hasPrefix("{}") {
                request = try readRequest(body.contains("user_id") ? .messages : .responses, body: text, depthMax: 128)
            }
            return AttributionReader.read(fields: HTTPFields(fields), request: request, body: text, key: key)
        }
    }

    @Test func weirsOwnHeadersComeFirst() throws {
        let found = try read([
            ("X-Weir-Session", "s1"), ("x-weir-parent-session", "p1"), ("x-weir-repo", "git@github.com:Acme/Shop.git"),
            ("x-weir-branch", "main"),
            ("x-weir-commit", "abc"), ("x-weir-agent", "build"), ("x-weir-tag-Ticket", "T-1"),
            ("x-opencode-session-id", "other"), ("x-claude-code-session-id", "other"),
        ])
        #expect(found.session == Label("s1", .weirHeader) && found.parentSession == Label("p1", .weirHeader))
        #expect(found.repository == Label("github.com/Acme/Shop", .weirHeader))
        #expect(
            found.branch == Label("main", .weirHeader) && found.commit == Label("abc", .weirHeader)
                && found.agent == Label("build", .weirHeader))
        #expect(found.tags == ["ticket": "T-1"])
    }

    @Test func openCodeV2SessionIsNotItsAffinity() throws {
        let found = try read([
            ("x-session-affinity", "fork"), ("X-Session-Id", "fork"), ("x-opencode-session-id", "ses_1"),
            ("x-opencode-parent-session-id", "ses_0"),
            ("x-opencode-project", "prj_9"), ("x-opencode-client", "cli"), ("User-Agent", "opencode/2.0.1"),
        ])
        #expect(found.session == Label("ses_1", .agent) && found.parentSession == Label("ses_0", .agent))
        #expect(
            found.affinity == "fork" && found.project == "prj_9" && found.client == "opencode"
                && found.clientVersion == "2.0.1")
    }

    @Test func openCodeV1SessionIsItsAffinity() throws {
        let found = try read([
            ("x-session-affinity", "ses_1"), ("X-Session-Id", "ses_1"), ("x-parent-session-id", "ses_0"),
            ("User-Agent", "opencode/1.18.29 ai-sdk/5"),
        ])
        #expect(
            found.session == Label("ses_1", .agent) && found.parentSession == Label("ses_0", .agent)
                && found.client == "opencode")
        #expect(try read([("x-session-affinity", "only")]).session == Label("only", .agent))
        // To a provider whose id begins with opencode it says it otherwise.
        let own = try read([("x-opencode-session", "ses_1"), ("x-opencode-request", "msg_1")])
        #expect(own.session == Label("ses_1", .agent) && own.affinity == "ses_1" && own.clientTurn == "msg_1")
    }

    @Test func claudeCodeNamesSessionAndSubAgent() throws {
        let found = try read([
            ("X-Claude-Code-Session-Id", "c1"), ("x-claude-code-agent-id", "a7"), ("x-claude-code-prompt-id", "p3"),
            ("User-Agent", "claude-cli/2.1.330 (external, sdk-cli)"), ("x-app", "cli"),
        ])
        #expect(found.session == Label("c1", .agent) && found.subAgent == Label("a7", .agent))
        #expect(found.clientTurn == "p3" && found.client == "claude-code" && found.clientVersion == "2.1.330")
    }

    @Test func claudeCodesSessionIsFoundInItsMetadata() throws {
        let body = #"{"model":"c","metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"c2\"}"}}"#
        #expect(try read([], body: body).session == Label("c2", .agent))
        for userID in ["plain", "{broken", #"{\"session_id\":5}"#, #"{\"session_id\":\"\"}"#] {
            #expect(
                try read([], body: #"{"model":"c","metadata":{"user_id":"\#(userID)"}}"#).session == nil, "\(userID)")
        }
    }

    static let metadata =
        #"{"turn_id":"t","workspaces":{"/home/me/shop":{"associated_remote_urls":{"upstream":"https://github.com/other/x","#
        + #""origin":"https://me:tok@github.com/acme/shop.git"},"latest_git_commit_hash":"abc123","has_changes":true}}}"#

    @Test func codexSendsItsRemote() throws {
        let found = try read([
            ("session-id", "s1"), ("thread-id", "s1"), ("originator", "codex_exec"),
            ("User-Agent", "codex_exec/0.163.0 (Debian 12; x86_64)"), ("x-codex-turn-metadata", Self.metadata),
        ])
        #expect(found.session == Label("s1", .agent) && found.subAgent == nil && found.parentSession == nil)
        #expect(found.repository == Label("github.com/acme/shop", .agent) && found.commit == Label("abc123", .agent))
        #expect(found.client == "codex" && found.clientVersion == "0.163.0")
    }

    @Test func codexSubAgentsHaveAParentAndAThread() throws {
        let found = try read([
            ("session_id", "s1"), ("thread-id", "t2"), ("x-codex-parent-thread-id", "s0"),
            ("x-openai-subagent", "collab_spawn"), ("originator", "codex_cli_rs"),
        ])
        #expect(found.session == Label("s1", .agent) && found.subAgent == Label("t2", .agent))
        // Its thread has a parent, not its session, which is still the one that the user began.
        #expect(found.parentSession == nil && found.agent == Label("collab_spawn", .agent))
        #expect(
            try read([("session-id", "s2"), ("thread-id", "s2"), ("x-codex-parent-thread-id", "s1")]).parentSession
                == Label("s1", .agent))
        #expect(try read([("session-id", "s1"), ("x-codex-parent-thread-id", "s1")]).parentSession == nil)
    }

    @Test func codexMetadataInTheBodyServesWithoutTheHeader() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("model", "m")
        writer.beginObject("client_metadata")
        writer.field("x-codex-turn-metadata", Self.metadata)
        writer.endObject()
        writer.endObject()
        #expect(
            try read([], body: String(decoding: writer.bytes, as: UTF8.self)).repository
                == Label("github.com/acme/shop", .agent))
    }

    @Test func brokenCodexMetadataGivesNoLabel() throws {
        for text in [
            "", "{", "[]", #"{"workspaces":[]}"#,
            #"{"workspaces":{"/a":{"associated_remote_urls":{"origin":"/local/path"}}}}"#,
        ] {
            #expect(try read([("x-codex-turn-metadata", text)]).repository == nil)
        }
    }

    @Test func crushAndForeignGatewaysAreHeard() throws {
        #expect(try read([("x-session-id", "hash"), ("x-session-affinity", "hash")]).session == Label("hash", .agent))
        for name in [
            "x-litellm-session-id", "Helicone-Session-Id", "x-portkey-trace-id", "x-agentcc-session-id",
            "x-agentcc-trace-id",
        ] {
            #expect(try read([(name, "f1")]).session == Label("f1", .foreign), "\(name)")
            #expect(try read([(name, "f1"), ("x-session-id", "own")]).session == Label("own", .agent), "\(name)")
        }
        let tags = try read([
            ("Helicone-Property-Env", "prod"), ("x-agentcc-property-team", "pay"), ("helicone-user-id", "ann"),
        ]).tags
        #expect(tags == ["env": "prod", "team": "pay", "user": "ann"])
    }

    @Test func baggageIsTheLastSource() throws {
        let found = try read([
            ("baggage", "a=b, session.id = s9 ;prop, vcs.repository=https%3A%2F%2Fgithub.com%2Facme%2Fshop")
        ])
        #expect(found.session == Label("s9", .baggage) && found.repository == Label("github.com/acme/shop", .baggage))
        for broken in [
            "session.id", "session.id=", "session.id=%", "session.id=%zz", "session.id=%ff", "session.id=%0a",
        ] {
            #expect(try read([("baggage", broken)]).session == nil, "\(broken)")
        }
    }

    @Test func theKeysBindingComesBehindTheAgentAndBeforeBaggage() throws {
        let baggage = ("baggage", "vcs.repository=github.com/b/b")
        #expect(try read([baggage], repository: "github.com/k/k").repository == Label("github.com/k/k", .key))
        #expect(
            try read([("x-codex-turn-metadata", Self.metadata)], repository: "github.com/k/k").repository
                == Label("github.com/acme/shop", .agent))
        #expect(
            try read([("x-weir-repo", "github.com/w/w")], repository: "github.com/k/k").repository
                == Label("github.com/w/w", .weirHeader))
    }

    @Test func explicitButInvalidGivesNoneAndNoFallback() throws {
        let long = String(repeating: "x", count: 257)
        for bad in ["", long, "a\u{1}b", "a\u{9B}31m"] {
            let found = try read(
                [
                    ("x-weir-session", bad), ("x-weir-parent-session", bad), ("x-weir-repo", bad),
                    ("x-weir-branch", bad), ("x-weir-commit", bad), ("x-weir-agent", bad),
                    ("x-session-id", "s"), ("x-parent-session-id", "p"), ("x-codex-turn-metadata", Self.metadata),
                    ("x-openai-subagent", "review"),
                ], repository: "github.com/k/k")
            #expect(found.session == nil && found.parentSession == nil && found.repository == nil && found.agent == nil)
            #expect(found.branch == nil && found.commit == nil)
        }
        #expect(try read([("x-weir-repo", "../etc")], repository: "github.com/k/k").repository == nil)
        #expect(try read([("x-weir-repo", "acme/shop")]).repository == Label("acme/shop", .weirHeader))
    }

    @Test func anInvalidAgentHeaderFallsThroughToTheNext() throws {
        #expect(try read([("x-opencode-session-id", ""), ("x-session-affinity", "a")]).session == Label("a", .agent))
        #expect(
            try read([("x-opencode-session-id", "first"), ("x-opencode-session-id", "second")]).session
                == Label("first", .agent))
    }

    @Test func tagsAreBounded() throws {
        let many = (0..<40).map { ("x-weir-tag-t\($0)", "v") }
        #expect(try read(many).tags.count == 16)
        #expect(
            try read([("x-weir-tag-", "v"), ("x-weir-tag-\(String(repeating: "n", count: 65))", "v")]).tags.isEmpty)
    }

    @Test(
        arguments: [
            ("OpenAI/Python 2.54.0", "openai-python", "2.54.0"),
            ("AsyncOpenAI/Python 2.54.0", "openai-python", "2.54.0"),
            ("Anthropic/Python 2.12.0", "anthropic-python", "2.12.0"),
            ("AsyncAnthropic/Python 2.12.0", "anthropic-python", "2.12.0"), ("OpenAI/JS 5.1.0", "openai-js", "5.1.0"),
            ("codex_cli_rs/0.163.0 (x)", "codex", "0.163.0"),
            ("GeminiCLI/0.9/gemini (linux)", "geminicli", "0.9/gemini"), ("curl/8.5.0", "curl", "8.5.0"),
            ("python-httpx/0.28", "python-httpx", "0.28"), ("", nil, nil),
        ] as [(String, String?, String?)])
    func theProgramIsKnownByItsUserAgent(_ agent: String, _ client: String?, _ version: String?) throws {
        let found = try read([("User-Agent", agent)])
        #expect(found.client == client && found.clientVersion == version)
    }
}
