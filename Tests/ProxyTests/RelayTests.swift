// RelayTests: a request's way through the gateway and back, and what the journal says of it.

import Foundation
import GatewayModel
import Journal
import Proxy
import RawWire
import Testing

let hello = "{\"model\":\"gpt-6.1-sol\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"
let helloStream = hello.dropLast() + ",\"stream\":true}"

@Suite struct RelayTests {
    @Test(arguments: [false, true])
    func aRequestIsCarriedMeteredPricedAndJournaledInOrder(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS) { gateway in
            let reply = try await gateway.ask(
                gateway.chat(hello, [("x-sim-input-tokens", "1000"), ("x-sim-output-tokens", "100")]))
            #expect(reply.status == 200 && reply.text.contains("chat.completion"))
            #expect(reply.header("x-weir-deployment") == "sim/gpt-6.1-sol")
            let turn = try #require(try await gateway.ended(1).first)
            #expect(reply.header("x-weir-request-id") == turn.requestID.description)
            #expect(turn.usage.totalInput == 1000 && turn.usage.output == 100 && turn.usageSource == .provider)
            #expect(
                turn.status == 200 && turn.principal.developer == "maria" && turn.flags.isEmpty
                    || turn.flags == [.sessionInferred])
            #expect(turn.cost.value > 0 && turn.priceVersion != nil)
            #expect(reply.header("x-weir-cost-nano-usd") == String(turn.cost.value))
            let kinds = gateway.journaled().kinds.filter { $0.rawValue.hasPrefix("turn.") }
            #expect(kinds == [.turnReserved, .turnSent, .turnSettled])
        }
    }

    @Test(arguments: [false, true])
    func aRequestThatFindsAWarmConnectionIsReservedAndSentInOneRecord(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS) { gateway in
            _ = try await gateway.ask(gateway.chat(hello))
            _ = try await gateway.ended(1)
            _ = try await gateway.ask(gateway.chat(hello))
            let second = try #require(try await gateway.ended(2).last)
            let kinds = gateway.journaled().kinds.filter { $0.rawValue.hasPrefix("turn.") }
            #expect(kinds == [.turnReserved, .turnSent, .turnSettled, .turnReserved, .turnSettled])
            #expect(second.sent != nil && second.status == 200 && second.usageSource == .provider)
        }
    }

    @Test(arguments: [false, true])
    func aStreamComesWholeWithoutTheUsageThatNobodyAskedFor(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS) { gateway in
            let silent = try await gateway.ask(gateway.chat(String(helloStream), [("x-sim-chunks", "300")]))
            #expect(silent.text.hasSuffix("data: [DONE]\n\n") && !silent.text.contains("\"usage\":{"))
            #expect(silent.text.contains("Chunk 0") && silent.text.contains(" 299"))
            let asked = try await gateway.ask(
                gateway.chat(hello.dropLast() + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"))
            #expect(asked.text.contains("\"usage\":{") && asked.text.hasSuffix("data: [DONE]\n\n"))
            #expect(try await gateway.ended(2).allSatisfy { $0.usage.output > 0 && $0.usageSource == .provider })
        }
    }

    @Test func manyRequestsShareAConnectionAndComeBackInOrder() async throws {
        try await Gateway.run { gateway in
            let connection = try await gateway.connect()
            for number in 0..<20 {
                let isStream = number % 3 == 0
                try await connection.send(gateway.chat(isStream ? String(helloStream) : hello))
                let reply = try await connection.reply()
                #expect(reply.status == 200 && reply.text.contains("[DONE]") == isStream)
            }
            #expect(gateway.server.metrics.connections.value == 1)
            #expect(try await gateway.ended(20).count == 20)
            await connection.close()
        }
    }

    @Test func aRefusalCostsNothingAndNamesItsReason() async throws {
        try await Gateway.run { gateway in
            let stranger = [("Authorization", "Bearer weir_k_nonsense")]
            let unknown = try await gateway.ask(postText("/v1/chat/completions", hello, stranger))
            #expect(unknown.status == 401 && unknown.text.contains("invalid_api_key"))
            let model = hello.replacingOccurrences(of: "gpt-6.1-sol", with: "gpt-6.1-sloth")
            let wrong = try await gateway.ask(gateway.chat(model))
            #expect(wrong.status == 404 && wrong.text.contains("model_not_found"))
            let turns = try await gateway.ended(1)
            #expect(turns.allSatisfy { $0.cost == .zero && $0.usage.isZero && $0.sent == nil })
        }
    }

    @Test func twoDifferentKeysInOneRequestAreRefused() async throws {
        try await Gateway.run { gateway in
            let both = gateway.fields(0) + [("x-api-key", gateway.keys[1].text)]
            let reply = try await gateway.ask(postText("/v1/chat/completions", hello, both))
            #expect((400...403).contains(reply.status) && reply.text.contains("conflicting_api_keys"))
            let same = gateway.fields(0) + [("x-api-key", gateway.keys[0].text)]
            #expect(try await gateway.ask(postText("/v1/chat/completions", hello, same)).status == 200)
        }
    }

    @Test func labelsBehindTheDotAreNoPartOfTheKey() async throws {
        try await Gateway.run { gateway in
            let labels = ".YnJhbmNoPW1haW4"  // branch=main
            let (mine, other) = (gateway.keys[0].text, gateway.keys[1].text)
            for second in [mine, mine + labels, mine + ".", mine + ".no base64"] {
                let fields = [("Authorization", "Bearer " + mine + labels), ("x-api-key", second)]
                #expect(try await gateway.ask(postText("/v1/chat/completions", hello, fields)).status == 200)
            }
            let turns = try await gateway.ended(4)
            #expect(turns.allSatisfy { $0.attribution.branch == Label("main", .credential) })
            for fields in [
                [("Authorization", "Bearer " + mine + labels), ("x-api-key", other + labels)],
                [("x-api-key", mine + labels.dropFirst())], [("x-api-key", mine.dropLast() + labels)],
            ] {
                let reply = try await gateway.ask(postText("/v1/chat/completions", hello, fields))
                #expect((400...403).contains(reply.status), "\(fields)")
            }
        }
    }

    // MARK: Sessions

    @Test func turnsThatOpenAlikeAreOneInferredSessionOfTheirKey() async throws {
        try await Gateway.run { gateway in
            let other = hello.replacingOccurrences(of: "hello", with: "another task")
            let longer =
                #"{"model":"gpt-6.1-sol","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},"#
                + #"{"role":"user","content":"go on"}]}"#
            for body in [hello, longer, other] { _ = try await gateway.ask(gateway.chat(body)) }
            _ = try await gateway.ask(gateway.chat(hello, developer: 1))
            _ = try await gateway.ask(gateway.chat(hello, [("x-weir-session", "mine")]))
            let sessions = try await gateway.ended(5).map { $0.attribution.session }
            #expect(sessions[0] != nil && sessions[0] == sessions[1] && sessions[0]?.source == .inferred)
            #expect(sessions[2]?.value != sessions[0]?.value)
            #expect(sessions[4] == Label("mine", .weirHeader))
            let turns = gateway.journaled().turns
            #expect(turns[0].flags.contains(.sessionInferred) && !turns[4].flags.contains(.sessionInferred))
            #expect(turns[3].principal.developer == "jon")
        }
    }

    @Test func aSessionThatPausedForLongIsAnother() async throws {
        try await Gateway.run { gateway in
            // The clock also runs by itself, and a loaded machine may take its time between two requests.
            for pause in [0, 1700, 1801] as [Int64] {
                gateway.clock.advance(seconds: pause)
                _ = try await gateway.ask(gateway.chat(hello))
            }
            let sessions = try await gateway.ended(3).map { $0.attribution.session?.value }
            #expect(sessions[0] == sessions[1] && sessions[1] != sessions[2] && sessions[2] != nil)
        }
    }

    // MARK: Stored responses

    @Test func aStoredResponseIsReadByItsMakerAndByNobodyElse() async throws {
        try await Gateway.run { gateway in
            let made = try await gateway.ask(
                postText("/v1/responses", "{\"model\":\"gpt-6.1-sol\",\"input\":\"hello\"}", gateway.fields(0)))
            let object = try #require(try JSONSerialization.jsonObject(with: Data(made.body)) as? [String: Any])
            let id = try #require(object["id"] as? String)
            let mine = try await gateway.ask(requestText("GET", "/v1/responses/\(id)", gateway.fields(0)))
            #expect(mine.status == 200 && mine.text.contains(id))
            let items = try await gateway.ask(requestText("GET", "/v1/responses/\(id)/input_items", gateway.fields(0)))
            #expect(items.text.contains("hello"))
            for (path, developer) in [("/v1/responses/\(id)", 1), ("/v1/responses/resp_unknown", 0)] {
                let refused = try await gateway.ask(requestText("GET", path, gateway.fields(developer)))
                #expect(refused.status == 404 && refused.text.contains("response_not_found"), "\(refused.text)")
            }
            let deleted = try await gateway.ask(requestText("DELETE", "/v1/responses/\(id)", gateway.fields(1)))
            #expect(deleted.status == 404)
        }
    }
}
