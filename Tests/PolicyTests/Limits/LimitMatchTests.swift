// Which rules a turn falls under, held against their conditions read one by one, and that values are told apart to the last byte.

import GatewayModel
import Policy
import Testing

@Suite struct LimitMatchTests {
    /// Texts and patterns of few letters, so that they often meet, and of up to 20 bytes, so that they pass the width of a word.
    private static func text(_ dice: inout Dice) -> String {
        String((0..<dice.pick([1, 2, 3, 7, 8, 9, 15, 16, 17, 20])).map { _ in dice.pick(["a", "a", "a", "b"]) }.joined())
    }

    private static func pattern(_ dice: inout Dice, of text: String) -> String {
        let text = dice.chance(60) ? text : Self.text(&dice)
        switch dice.below(6) {
        case 0: return "*"
        case 1: return String(text.prefix(1 + dice.below(10))) + "*"
        case 2: return "*" + String(text.suffix(1 + dice.below(10)))
        case 3: return "*" + String(text.dropFirst(dice.below(text.count)).prefix(9)) + "*"
        default: return text
        }
    }

    private static func value(_ facts: TurnFacts, _ dimension: LimitDimension) -> String? {
        switch dimension {
        case .team: facts.team
        case .repository: facts.repository
        case .tag(let name): facts.tags[name]
        default: nil
        }
    }

    private static func holds(_ rule: LimitRule, _ facts: TurnFacts) -> Bool {
        rule.conditions.allSatisfy { condition in
            guard let value = value(facts, condition.on) else { return condition.any.isEmpty }
            return (condition.any.isEmpty || condition.any.contains { KeyAccess.matches($0, value) })
                && !condition.except.contains { KeyAccess.matches($0, value) }
        }
    }

    @Test func theRulesOfATurnAreThoseWhoseConditionsAllHoldInTheOrderOfTheBook() throws {
        let dimensions: [LimitDimension] = [.team, .repository, .tag("env")]
        var held = 0
        for seed in 0..<200 as Range<UInt64> {
            var dice = Dice(seed)
            let values = (0..<6).map { _ in Self.text(&dice) }
            let rules = (0..<12).map { number in
                var rule = LimitRule(id: "r\(number)", name: "r", limit: 1, unit: .requests, window: .day)
                for _ in 0..<dice.below(4) {
                    let any = (0..<dice.below(4)).map { _ in Self.pattern(&dice, of: dice.pick(values)) }
                    let except = (0..<(any.isEmpty ? 1 : dice.below(2))).map { _ in Self.pattern(&dice, of: dice.pick(values)) }
                    rule.conditions.append(LimitCondition(dice.pick(dimensions), any: any, except: except))
                }
                return rule
            }
            let book = try LimitBook(rules) { _ in nil }
            for _ in 0..<20 {
                var facts = TurnFacts()
                if dice.chance(80) { facts.team = dice.pick(values) }
                if dice.chance(80) { facts.repository = dice.pick(values) }
                if dice.chance(50) { facts.tags["env"] = dice.pick(values) }
                let expected = book.rules.filter { Self.holds($0, facts) }.map(\.id)
                #expect(book.counters(of: facts).map(\.rule.id) == expected, "seed \(seed)")
                held += expected.count
            }
        }
        #expect(held > 10_000)
    }

    @Test func aTurnWithoutAnIndexedValueFallsUnderNoRuleThatWantsIt() throws {
        var rule = LimitRule(id: "r", name: "r", limit: 1, unit: .requests, window: .day)
        rule.conditions = [LimitCondition(.team, any: ["shop"])]
        let book = try LimitBook([rule]) { _ in nil }
        var facts = TurnFacts()
        facts.repository = "shop"
        #expect(book.counters(of: facts).isEmpty)
        facts.team = ""
        #expect(book.counters(of: facts).isEmpty)
        facts.team = "shop"
        #expect(book.counters(of: facts).count == 1)
    }

    @Test func valuesThatDifferInOneByteHaveCountersOfTheirOwn() throws {
        var rule = LimitRule(id: "r", name: "r", limit: 1000, unit: .requests, window: .none)
        rule.groupBy = [.branch]
        let book = try LimitBook([rule]) { _ in nil }
        let ledger = LimitLedger(seed: 7)
        var texts: Set<String> = []
        for length in 1...40 {
            for place in 0..<length {
                var bytes = [UInt8](repeating: 97, count: length)
                bytes[place] = 98
                texts.insert(String(decoding: bytes, as: UTF8.self))
            }
        }
        for text in texts.sorted() + texts.sorted() {
            var facts = TurnFacts()
            facts.branch = text
            if case .granted(let reservation) = ledger.admit(facts, .nothing, under: book, at: LimitLedgerTests.now) {
                _ = reservation.settle(.zero, at: LimitLedgerTests.now)
            }
        }
        #expect(ledger.figures.counters == texts.count && ledger.figures.symbols == texts.count)
        let counters = ledger.counters(under: book, max: 2000, at: LimitLedgerTests.now).counters
        #expect(counters.allSatisfy { $0.posted == 2 } && Set(counters.map(\.group)) == Set(texts.map { [$0] }))
    }
}
