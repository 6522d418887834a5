// Which header fields cross the gateway, and Codex's metadata without the paths of a developer's machine.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct HeaderFilterTests {
    private func toProvider(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes { shouldForwardRequestField($0) }
    }
    private func toClient(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes { shouldForwardResponseField($0) }
    }

    @Test(arguments: [
        "Authorization", "x-api-key", "X-Goog-Api-Key", "api-key", "Cookie", "Forwarded", "Via", "X-Real-IP",
        "X-Forwarded-For", "x-forwarded-host", "x-forwarded-anything",
        "Host", "Accept-Encoding", "Expect", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
        "Proxy-Authenticate", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length", "x-weir-session", "X-Weir-Tag-A", "Helicone-Auth",
        "x-portkey-config", "x-litellm-key", "x-agentcc-user-id", "",
    ])
    func credentialsHopsAndLabelsStayHere(_ name: String) {
        #expect(!toProvider(name))
        #expect(!toProvider(name.uppercased()))
        #expect(!toProvider(name.lowercased()))
    }

    @Test(arguments: [
        "Content-Type", "anthropic-beta", "anthropic-version", "OpenAI-Organization", "openai-project", "User-Agent",
        "x-stainless-retry-count", "x-session-affinity", "x-opencode-session-id",
        "originator", "session-id", "x-app", "traceparent", "Accept", "x-apikey", "authorizations",
        "X-Claude-Code-Session-Id", "x-request-id", "Idempotency-Key", "Content-Encoding",
    ])
    func whatTheProviderReadsGoesThrough(_ name: String) {
        #expect(toProvider(name))
        #expect(toProvider(name.uppercased()))
    }

    @Test(arguments: [
        "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Upgrade", "Trailer", "Proxy-Authenticate",
        "Set-Cookie", "Alt-Svc", "x-weir-cost-nano-usd", "",
    ])
    func aProvidersHopsAndCookiesStayHere(_ name: String) {
        #expect(!toClient(name))
        #expect(!toClient(name.uppercased()))
    }

    @Test(arguments: [
        "Content-Type", "retry-after", "retry-after-ms", "x-should-retry", "request-id", "x-request-id",
        "x-ratelimit-remaining-tokens", "anthropic-ratelimit-requests-reset", "openai-processing-ms",
        "Cache-Control", "Content-Encoding", "Date", "cf-ray",
    ])
    func whatTheClientReadsGoesThrough(_ name: String) {
        #expect(toClient(name))
    }

    private func rewritten(_ text: String) -> String? {
        Array(text.utf8).withUnsafeBytes { rewriteCodexMetadata($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func codexLocalPathsBecomeNumbers() {
        #expect(
            rewritten(#"{"a":"/x", "workspaces" : { "/home/me/shop":{"k":1} , "C:\\work":{}},"z":[]}"#)
                == #"{"a":"/x", "workspaces" : { "workspace-1":{"k":1} , "workspace-2":{}},"z":[]}"#)
        #expect(rewritten(#"{"workspaces":{}}"#) == #"{"workspaces":{}}"#)
        #expect(rewritten(#"{"\u0077orkspaces":{"/p":{}}}"#) == #"{"\u0077orkspaces":{"workspace-1":{}}}"#)
        #expect(rewritten(#"{"workspaces":{"":{}}}"#) == #"{"workspaces":{"workspace-1":{}}}"#)
        #expect(rewritten(#"{"workspaces":{"/a":1},"workspaces":{"/b":2}}"#)?.contains("/") == false)
        #expect(rewritten("{}") == "{}")
    }

    @Test(arguments: ["", "{", "[]", "x", #"{"workspaces":{"/home/me":}}"#, #"{"workspaces":{"/home/me":{}}"#])
    func metadataThatCannotBeReadIsDropped(_ text: String) {
        #expect(rewritten(text) == nil)
    }

    @Test func theBodysCopyLosesItsPathsToo() throws {
        let inner = #"{\"workspaces\":{\"/home/me/shop\":{\"é\":1}}}"#
        let body = Array(
            #"{"model":"m","client_metadata":{"a":1,"x-codex-turn-metadata":"\#(inner)","b":2},"z":"/home"}"#.utf8)
        let range = try #require(try parseBody(.responses, body).get().clientMetadata)
        let spliced = body.withUnsafeBytes { applySplices(codexMetadataSplices($0, clientMetadata: range), to: $0) }
        #expect(
            String(decoding: spliced, as: UTF8.self)
                == #"{"model":"m","client_metadata":{"a":1,"x-codex-turn-metadata":"{\"workspaces\":{\"workspace-1\":{\"é\":1}}}","#
                + #""b":2},"z":"/home"}"#
        )
    }
}
