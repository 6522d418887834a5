// RuleVerbs: the verbs that budgets and limits have in common, once for both words.

import AdminAPI
import ArgumentParser
import Policy

/// A word for a kind of rule.
protocol RuleWord {
    static var singular: String { get }
}

/// Money.
enum BudgetWord: RuleWord {
    static let singular = "budget"
}

/// Anything else.
enum LimitWord: RuleWord {
    static let singular = "limit"
}

extension RuleWord {
    static var path: String { "/\(singular)s" }
    static func schema(_ verb: String) -> String { "weir.\(singular).\(verb)/1" }
}

struct ListRules<Word: RuleWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "All \(Word.singular)s, each with its fullest counter.")
    }
    @OptionGroup var server: ServerOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        let path = Word.path
        let list: ListBody<LimitView> = try await server.reading { try await $0.get(path) }
        try display.write(ListDocument(schema: Word.schema("list"), data: list.data), table: limitTable(list.data))
    }
}

struct ShowRule<Word: RuleWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show",
            abstract: "One \(Word.singular) with its counters, by how much it can be passed, its days so far, and how long it will last.")
    }
    @Argument(help: "Its name.") var name: String
    @OptionGroup var server: ServerOptions
    @OptionGroup var display: OutputOptions

    func run() async throws {
        let path = "\(Word.path)/\(segment(name))"
        let view: LimitView = try await server.reading { try await $0.get(path) }
        let rule = view.rule
        var title = "\(rule.id): \(amountText(rule.limit, rule.unit)) \(rule.window), \(selectorText(rule)), \(view.state)"
        if view.declaredIn == "configuration" { title += ", declared in the configuration" }
        try display.write(
            SingleDocument(schema: Word.schema("show"), value: view), table: counterTable(view), title: title, notes: [boundText(rule)])
        guard display.format == .table else { return }
        for forecast in (view.forecasts ?? []).prefix(burnDownsMax) {
            try output("\n" + burnDownLines(forecast, rule).map { inert($0) + "\n" }.joined())
        }
    }
}

/// Burn-downs that are shown of one rule, those of its fullest counters.
private let burnDownsMax = 3

struct DeleteRule<Word: RuleWord>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "delete", abstract: "Take a \(Word.singular) away; what was used stays in the ledger.")
    }
    @Argument(help: "Its name.") var name: String
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let path = "\(Word.path)/\(segment(name))"
        let gone: LimitView = try await server.changing { try await $0.delete(path) }
        standardError(inert("\(gone.rule.id) is gone."))
    }
}
