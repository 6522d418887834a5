// AlertVerbs: `weir alert test`: whether alerts arrive.

import AdminAPI
import ArgumentParser

struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert", abstract: "Alerts: test their receivers.", subcommands: [Test.self])

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a test to every receiver of alerts, or to one.")
        @Argument(help: "The receiver's name; all of them without it.") var name: String?
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let request = AlertTestRequest(receiver: name)
            let list: ListBody<AlertTestView> = try await server.changing { try await $0.post("/alerts/test", request) }
            var table = Table([Column("receiver"), Column("result")])
            table.rows = list.data.map { [Cell($0.receiver), Cell($0.problem ?? "arrived")] }
            try display.write(ListDocument(schema: "weir.alert.test/1", data: list.data), table: table)
            if list.data.contains(where: { $0.problem != nil }) {
                throw CommandFailure(
                    "alert_not_delivered", "a receiver did not take the test", mend: "check its url and secret under alerts: in weir.yaml")
            }
        }
    }
}
