// LimitReplyTests: a spent budget or a full limit, as each client must get it to stop or to wait.

import Dialects
import FuzzOracles
import GatewayModel
import Testing
import WireFormat

@Suite struct LimitReplyTests {
    static let id = RequestID(time: Timestamp(seconds: 1_764_000_000), random: 7, random12: 9)

    static let spent = LimitNotice(
        kind: .spent, isBudget: true, name: "web-monthly", scope: "team web", state: "$0.97 of $1.00 used", asked: "$0.12",
        resets: Timestamp(seconds: 1_764_547_200), contact: "platform@acme.example")
    static let soon = LimitNotice(
        kind: .soon, isBudget: false, name: "steady", scope: "key k1", state: "60 of 60 requests a minute used",
        retryAfterMilliseconds: 2300)
    static let paused = LimitNotice(
        kind: .paused, isBudget: false, name: "runaway.repeated_calls", scope: "s1",
        state: "the same tool calls gave the same results 9 times in a row (at most 8)", contact: "platform@acme.example",
        command: "weir session grant s1")

    static let notices = [spent, soon, paused]

    private func reply(_ notice: LimitNotice, _ endpoint: Endpoint?, _ client: ClientKind = .other) -> ErrorReply {
        errorReply(.limited(notice), endpoint: endpoint, client: client, requestID: Self.id)
    }

    private func member(_ reply: ErrorReply, _ name: String) -> String? {
        var found: String?
        reply.body.withUnsafeBytes { bytes in
            visitJSONMembers(bytes) { outer in
                guard outer.isNamed("error") else { return }
                visitJSONMembers(outer.value) { inner in
                    if inner.key == name { found = inner.string ?? inner.integer.map(String.init) }
                }
            }
        }
        return found
    }

    private func text(_ reply: ErrorReply, _ name: String) -> String? {
        var found: String?
        reply.body.withUnsafeBytes { bytes in visitJSONMembers(bytes) { if $0.key == name { found = $0.string } } }
        return found
    }

    private func holds(_ reply: ErrorReply, _ part: String) -> Bool { String(decoding: reply.body, as: UTF8.self).contains(part) }

    private func header(_ reply: ErrorReply, _ name: String) -> String? { reply.headers.first { $0.0.lowercased() == name }?.1 }

    @Test func aSpentBudgetStopsEachClientAtOnce() {
        let chat = reply(Self.spent, .chatCompletions)
        #expect(chat.status == 402 && member(chat, "code") == "insufficient_quota" && member(chat, "type") == "insufficient_quota")
        let messages = reply(Self.spent, .messages, .claudeCode)
        #expect(messages.status == 429 && member(messages, "type") == "billing_error")
        #expect(reply(Self.spent, .messages, .openCode).status == 402)
        let codex = reply(Self.spent, .responses, .codex)
        #expect(codex.status == 429 && member(codex, "type") == "usage_limit_reached" && member(codex, "resets_at") == "1764547200")
        let responses = reply(Self.spent, .responses)
        #expect(responses.status == 402 && member(responses, "code") == "insufficient_quota")
        for one in [chat, messages, codex, responses] {
            #expect(header(one, "x-should-retry") == "false" && header(one, "retry-after") == nil && scanWhole(one.body).isValid)
        }
    }

    @Test func aFullRateSaysHowLongToWait() {
        for endpoint in [Endpoint.chatCompletions, .messages, .responses] {
            let one = reply(Self.soon, endpoint)
            #expect(one.status == 429 && header(one, "retry-after") == "3" && header(one, "retry-after-ms") == "2300")
            #expect(header(one, "x-should-retry") == nil)
            #expect(member(one, "type") == (endpoint == .messages ? "rate_limit_error" : "rate_limit_exceeded"))
        }
    }

    @Test func aSpentBudgetIsAQuotaToAWSAndIsNotAskedForAgain() {
        for endpoint in [Endpoint.converse, .converseStream, .invokeModel] {
            let one = reply(Self.spent, endpoint)
            #expect(one.status == 400 && header(one, "x-amzn-errortype") == "ServiceQuotaExceededException")
            #expect(header(one, "x-amzn-requestid") != nil && header(one, "x-amz-retry-after") == nil)
            #expect(text(one, "message") == Self.spent.message && text(one, "code") == "budget_exceeded")
            let soon = reply(Self.soon, endpoint)
            #expect(soon.status == 429 && header(soon, "x-amzn-errortype") == "ThrottlingException")
            #expect(header(soon, "x-amz-retry-after") == "2300" && text(soon, "message") == Self.soon.message)
        }
    }

    @Test func googleAndOllamaAreToldInTheirOwnWords() {
        let spent = reply(Self.spent, .generateContent)
        #expect(spent.status == 402 && member(spent, "code") == "402" && member(spent, "status") == "RESOURCE_EXHAUSTED")
        #expect(member(spent, "message") == Self.spent.message && holds(spent, #""reason":"budget_exceeded""#))
        let soon = reply(Self.soon, .streamGenerateContent)
        #expect(soon.status == 429 && member(soon, "status") == "RESOURCE_EXHAUSTED" && header(soon, "retry-after") == "3")
        #expect(holds(soon, #""@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.300s""#))
        #expect(holds(soon, #""reason":"rate_limited""#))
        #expect(reply(Self.spent, .ollamaChat).status == 402 && text(reply(Self.spent, .ollamaChat), "error") == Self.spent.message)
        #expect(reply(Self.soon, .ollamaChat).status == 429 && text(reply(Self.soon, .ollamaChat), "error") == Self.soon.message)
    }

    @Test func aPausedSessionStopsAsASpentBudgetDoesAndCodexShowsTheWords() {
        #expect(reply(Self.paused, .chatCompletions).status == 402)
        #expect(reply(Self.paused, .messages, .claudeCode).status == 429)
        let codex = reply(Self.paused, .responses, .codex)
        #expect(codex.status == 400 && member(codex, "message") == Self.paused.message && header(codex, "x-should-retry") == "false")
        #expect(GatewayError.limited(Self.paused).code == "session_paused")
        #expect(
            Self.paused.message
                == "Session \"s1\" is paused (runaway.repeated_calls): the same tool calls gave the same results 9 times in a row "
                + "(at most 8). Ask platform@acme.example to let it go on with `weir session grant s1`.")
    }

    @Test func theMessageNamesTheBudgetItsAmountsItsScopeItsResetAndWhomToAsk() {
        #expect(
            Self.spent.message
                == "Budget \"web-monthly\" (team web): $0.97 of $1.00 used, this turn may take $0.12. "
                + "It begins anew 2025-12-01 00:00 UTC. Ask platform@acme.example for more.")
        #expect(Self.soon.message.contains("Try again in 3 s."))
        // OpenCode tells kinds of errors apart by these words.
        for notice in Self.notices {
            for word in ["safety", "content policy", "context length", "rate limit"] {
                #expect(!notice.message.lowercased().contains(word))
            }
        }
    }

    @Test func longNamesStayShort() {
        var notice = Self.spent
        notice.name = String(repeating: "n", count: 500)
        notice.scope = String(repeating: "s\n", count: 500)
        notice.contact = String(repeating: "c", count: 500)
        #expect(notice.message.utf8.count <= 300 && !notice.message.contains("\n"))
    }
}
