// PriceExplanationTests: what `weir price explain` shows adds up to what the turn costs, and its input is read strictly.

import Foundation
import GatewayModel
import Providers
import Testing

@Suite struct PriceExplanationTests {
    private let everything = usage {
        $0.input = 1_201
        $0.cacheRead = 30_003
        $0.cacheWrite5m = 77
        $0.cacheWrite1h = 33
        $0.output = 411
        $0.reasoning = 400
        $0.webSearches = 2
    }

    @Test func theLinesSumToTheTotalAndTheTotalIsTheTurnsCost() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let used = usage {
                $0.input = .random(in: 0...300_000, using: &random)
                $0.cacheRead = .random(in: 0...300_000, using: &random)
                $0.cacheWrite5m = .random(in: 0...5_000, using: &random)
                $0.cacheWrite1h = .random(in: 0...5_000, using: &random)
                $0.output = .random(in: 0...90_000, using: &random)
                $0.webSearches = .random(in: 0...3, using: &random)
            }
            let model = try #require(Catalogue.models(of: "anthropic").randomElement())
            let explanation = catalogue.explain(
                usage: used, provider: "anthropic", model: model, qualifiers: UsageQualifiers(),
                at: try at("2026-11-24"))
            var sum = Decimal(0)
            for line in explanation.lines {
                let amount = try #require(line.amountNanoUSD)
                sum += try #require(Decimal(string: amount))
            }
            let total = try #require(explanation.totalNanoUSD)
            #expect(Decimal(total) >= sum && Decimal(total) - sum < 1)
            #expect(
                try catalogue.cost(used, "anthropic", model)
                    == .priced(cost: NanoUSD(total), version: Catalogue.version))
        }
    }

    @Test func eachLineNamesItsClassQuantityPriceAndRow() throws {
        let explanation = catalogue.explain(
            usage: everything, provider: "anthropic", model: "claude-sonnet-4-5", qualifiers: UsageQualifiers(),
            at: try at("2026-11-24"))
        #expect(
            explanation.lines.map(\.usageClass)
                == ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_searches"])
        #expect(explanation.totalInputTokens == 31_314)
        let input = try #require(explanation.lines.first)
        #expect(input.quantity == 1_201)
        #expect(input.unitPriceNanoUSD == 3_000_000_000)
        #expect(input.amountNanoUSD == "3603000")
        #expect(input.row?.source == "list")
        #expect(explanation.lines.last?.unit == "thousand_calls")
    }

    @Test func aClassWithoutAPriceIsNamedAndThereIsNoTotal() throws {
        let explanation = catalogue.explain(
            usage: everything, provider: "openai", model: "gpt-99", qualifiers: UsageQualifiers(),
            at: try at("2026-11-24"))
        #expect(explanation.totalNanoUSD == nil)
        #expect(explanation.unpriced == ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output"])
        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(explanation)) as? [String: Any])
        #expect(json["total_nano_usd"] is NSNull)
        #expect(json["schema"] as? String == "weir.price.explain/1")
    }

    @Test func anOverrideShowsItsSourceInTheLine() throws {
        let book = PriceBook(
            rows: [try row("anthropic", "claude-sonnet-4-5", .input, "2", source: "config")] + Catalogue.rows,
            version: "1")
        let explanation = book.explain(
            usage: everything, provider: "anthropic", model: "claude-sonnet-4-5", qualifiers: UsageQualifiers(),
            at: try at("2026-11-24"))
        #expect(explanation.lines.map { $0.row?.source ?? "" } == ["config", "list", "list", "list", "list", "list"])
    }
}

@Suite struct UsageDocumentTests {
    private func read(_ text: String) throws -> UsageDocument { try UsageDocument(json: Array(text.utf8)) }

    @Test func everyClassAndQualifierIsRead() throws {
        let document = try read(
            """
            {"input":1,"cache_read":2,"cache_write_5m":3,"cache_write_30m":4,"cache_write_1h":5,"cache_write_12h":6,
             "cache_write_unknown":7,"tool_prompt":8,"output":9,"reasoning":2,"audio_input":1,"image_input":0,
             "audio_output":3,"image_output":4,"web_searches":10,"web_fetches":11,
             "service_tier":"flex","speed":null,"inference_geo":"us"}
            """)
        #expect(document.usage.totalInput == 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8)
        #expect(document.usage.output == 9 && document.usage.webSearches == 10 && document.usage.webFetches == 11)
        #expect(document.qualifiers == UsageQualifiers(serviceTier: "flex", speed: nil, inferenceGeo: "us"))
        #expect(try read("{}").usage.isZero)
    }

    @Test(arguments: [
        ("{\"inpt\":1}", "inpt"), ("{\"input\":1,\"input\":2}", "twice"), ("{\"input\":-1}", "0 or more"),
        ("{\"input\":1.5}", "whole"), ("{\"input\":\"1\"}", "whole"), ("{\"input\":null}", "whole"),
        ("{\"input\":99999999999999999999}", "whole"), ("{\"service_tier\":3}", "string or null"),
        ("[]", "no JSON object"),
        ("", "no JSON object"), ("{\"input\":1", "no JSON object"), ("{\"input\":1} x", "no JSON object"),
        ("{\"output\":1,\"reasoning\":2}", "a part of"), ("{\"audio_input\":1}", "a part of"),
        ("{\"output\":3,\"image_output\":4}", "a part of"),
    ])
    func aUsageThatIsNotOursIsRefusedWithItsReason(_ text: String, _ reason: String) {
        let error = #expect(throws: UsageDocumentError.self) { try read(text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func anUnknownMemberIsAnsweredWithTheKnownOnes() {
        let error = #expect(throws: UsageDocumentError.self) { try read("{\"cached\":1}") }
        #expect(error?.description.contains("cache_read") == true)
    }
}
