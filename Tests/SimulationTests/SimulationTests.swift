// SimulationTests: the simulated provider says the same to the same, keeps an account of what it served, and fails on demand.

import Foundation
import RawWire
import Simulation
import Testing

/// A provider, and one request to it.
private func ask(_ provider: SimulatedProvider, _ text: String) async throws -> RawReply {
    let connection = try await RawConnection.open(port: provider.port)
    try await connection.send(text)
    let reply = try await connection.reply()
    await connection.close()
    return reply
}

private func withProvider(
    _ options: SimulationOptions = SimulationOptions(), _ body: (SimulatedProvider) async throws -> Void
) async throws {
    let provider = try await SimulatedProvider.start(options)
    do {
        try await body(provider)
    } catch {
        await provider.stop()
        throw error
    }
    await provider.stop()
}

private let chat = "{\"model\":\"gpt-6.1-sol\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
private let stream = chat.dropLast() + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

@Suite struct SimulationTests {
    private func object(_ reply: RawReply) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])
    }

    @Test func theSameConversationGivesTheSameAnswersToTheByte() async throws {
        // The time of day is the one thing that differs.
        func played() async throws -> [String] {
            var texts: [String] = []
            try await withProvider { provider in
                for (path, body) in [
                    ("/v1/chat/completions", chat), ("/v1/chat/completions", String(stream)),
                    ("/v1/responses", "{\"model\":\"gpt-6.1-sol\",\"input\":\"hello\",\"stream\":true}"),
                    (
                        "/v1/messages",
                        "{\"model\":\"claude-opus-5-5\",\"max_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
                    ),
                    ("/v1/embeddings", "{\"model\":\"text-embedding-3-small\",\"input\":\"hello\"}"),
                ] {
                    let reply = try await ask(provider, postText(path, body))
                    #expect(reply.status == 200)
                    texts.append(reply.text.replacing(/"(created|created_at|completed_at)":\d+/, with: "\"time\":0"))
                }
            }
            return texts
        }
        let (first, second) = (try await played(), try await played())
        #expect(first == second && first.count == 5)
    }

    @Test func aStreamAndAPlainAnswerBillTheSame() async throws {
        try await withProvider { provider in
            let fields = [("x-sim-input-tokens", "1000"), ("x-sim-output-tokens", "77")]
            let plain = try object(try await ask(provider, postText("/v1/chat/completions", chat, fields)))
            let streamed = try await ask(provider, postText("/v1/chat/completions", String(stream), fields)).text
            let usage = try #require(plain["usage"] as? [String: Any])
            #expect(usage["prompt_tokens"] as? Int == 1000 && usage["completion_tokens"] as? Int == 77)
            #expect(streamed.contains("\"prompt_tokens\":1000") && streamed.contains("\"completion_tokens\":77"))
            #expect(streamed.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test func aScriptCallsAToolUntilEnoughResultsCameBack() async throws {
        let tools =
            #""tools":[{"type":"function","function":{"name":"bash","parameters":{"type":"object","properties":"#
            + #"{"command":{"type":"string"}},"required":["command"]}}}]"#
        func body(results: Int) -> String {
            var messages = "{\"role\":\"user\",\"content\":\"go\"}"
            for number in 0..<results {
                messages +=
                    #",{"role":"assistant","tool_calls":[{"id":"c\#(number)","type":"function","#
                    + #""function":{"name":"bash","arguments":"{}"}}]}"#
                messages += ",{\"role\":\"tool\",\"tool_call_id\":\"c\(number)\",\"content\":\"ok\"}"
            }
            return "{\"model\":\"gpt-6.1-sol\",\"messages\":[\(messages)],\(tools)}"
        }
        try await withProvider { provider in
            for (results, reason) in [(0, "tool_calls"), (1, "tool_calls"), (2, "stop")] {
                let answer = try await ask(provider, postText("/v1/chat/completions", body(results: results))).text
                #expect(answer.contains("\"finish_reason\":\"\(reason)\""), "\(results)")
            }
            let more = try await ask(
                provider,
                postText(
                    "/v1/chat/completions", body(results: 2),
                    [("x-sim-tool-rounds", "3"), ("x-sim-parallel-tools", "1")]))
            #expect(more.text.contains("\"finish_reason\":\"tool_calls\""))
        }
    }

    @Test func theServedLogHoldsARequestBeforeItsAnswerBegins() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("weir-served-\(UUID().uuidString).log")
        defer { try? FileManager.default.removeItem(at: file) }
        var options = SimulationOptions()
        options.logPath = file.path
        try await withProvider(options) { provider in
            for number in 0..<5 {
                _ = try await ask(
                    provider, postText("/v1/chat/completions", chat, [("x-weir-request-id", "r\(number)")]))
                let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                #expect(lines.count == number + 1 && lines.last?.contains("\"r\(number)\"") == true)
            }
            // What is never answered is not served.
            _ = try? await ask(provider, postText("/v1/chat/completions", chat, [("x-sim-fault", "reset")]))
            _ = try await ask(provider, postText("/v1/chat/completions", chat, [("x-sim-fault", "status:500")]))
            #expect(try String(contentsOf: file, encoding: .utf8).split(separator: "\n").count == 5)
        }
    }

    // MARK: Faults

    @Test(
        arguments: [
            ("status:429;retry-after=7", Fault(.status, 429, retryAfter: 7)), ("cut:3", Fault(.cut, 3)),
            ("reset", Fault(.reset)),
            ("no-done", Fault(.noDone)), ("slow-head:250", Fault(.slowHead, 250)), ("unheard-of", nil), ("", nil),
            (";", nil),
            ("status:many", Fault(.status)),
        ] as [(String, Fault?)])
    func aFaultIsReadFromItsText(_ text: String, _ fault: Fault?) {
        #expect(Fault(text) == fault)
    }

    @Test func faultsDoWhatTheirNamesSay() async throws {
        try await withProvider { provider in
            func faulty(_ fault: String, _ body: String = String(stream)) async throws -> RawReply {
                try await ask(provider, postText("/v1/chat/completions", body, [("x-sim-fault", fault)]))
            }
            let refused = try await faulty("status:429;retry-after=7")
            #expect(
                refused.status == 429 && refused.header("retry-after") == "7" && refused.text.contains("rate_limit"))
            #expect(try await faulty("html").status == 502)
            await #expect(throws: RawFailure.self) { try await faulty("reset") }
            let cut = await #expect(throws: RawFailure.self) { try await faulty("cut:2") }
            if case .timedOut = cut { Issue.record("the connection should have been cut") }
            #expect(try await !faulty("no-done").text.contains("[DONE]"))
            #expect(try await faulty("json").header("content-type") == "application/json")
            #expect(try await faulty("crlf").text.contains("\r\n\r\n"))
            let commented = try await faulty("comments").text
            #expect(commented.hasPrefix(":") || commented.contains("\n:"))
            #expect(try await !faulty("no-usage").text.contains("prompt_tokens"))
            #expect(try await faulty("error-event:1").text.contains("error"))
        }
    }

    @Test func anArmedFaultStrikesAsOftenAsItWasToldTo() async throws {
        try await withProvider { provider in
            _ = try await ask(
                provider, requestText("PUT", "/_sim/fault?fault=status:503&count=2", [("Content-Length", "0")]))
            for status in [503, 503, 200] {
                #expect(try await ask(provider, postText("/v1/chat/completions", chat)).status == status)
            }
            #expect(
                try await ask(provider, requestText("PUT", "/_sim/fault?fault=nonsense", [("Content-Length", "0")]))
                    .status == 400)
        }
    }

    @Test func whatWasSeenCanBeAskedForAndForgotten() async throws {
        try await withProvider { provider in
            _ = try await ask(provider, postText("/v1/chat/completions", chat, [("x-odd", "canary")]))
            #expect(try await ask(provider, requestText("GET", "/_sim/requests")).text.contains("canary"))
            _ = try await ask(provider, requestText("DELETE", "/_sim/requests"))
            #expect(try await ask(provider, requestText("GET", "/_sim/requests")).text == "[]")
            #expect(try await ask(provider, requestText("GET", "/_sim/health")).status == 200)
            #expect(try await ask(provider, postText("/v1/unknown", chat)).status == 404)
            #expect(try await ask(provider, postText("/v1/chat/completions", "[1]")).status == 400)
        }
    }

    @Test func aStoredResponseIsGivenAgainUntilItIsDeleted() async throws {
        try await withProvider { provider in
            let made = try object(
                try await ask(provider, postText("/v1/responses", "{\"model\":\"gpt-6.1-sol\",\"input\":\"hello\"}")))
            let id = try #require(made["id"] as? String)
            #expect(
                try object(try await ask(provider, requestText("GET", "/v1/responses/\(id)")))["id"] as? String == id)
            #expect(
                try await ask(provider, requestText("GET", "/v1/responses/\(id)/input_items")).text.contains("hello"))
            #expect(try await ask(provider, requestText("DELETE", "/v1/responses/\(id)")).status == 200)
            #expect(try await ask(provider, requestText("GET", "/v1/responses/\(id)")).status == 404)
        }
    }

    @Test func whatCannotBeListenedOnIsAnErrorWithItsPlace() async throws {
        try await withProvider { provider in
            var options = SimulationOptions()
            options.port = provider.port
            await #expect(throws: SimulationError.self) { try await SimulatedProvider.start(options) }
            options.port = 0
            options.logPath = "/nowhere/at/all.log"
            await #expect(throws: SimulationError.self) { try await SimulatedProvider.start(options) }
        }
    }
}
