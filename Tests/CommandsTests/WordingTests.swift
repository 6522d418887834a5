// WordingTests: money, counts and times as people read and type them; and the example that `weir init` writes.

import Commands
import Foundation
import GatewayModel
import ServerConfiguration
import Testing

@Suite struct WordingTests {
    @Test(
        arguments: [
            (412_100_000_000, "$412.10"), (1_000_000_000, "$1.00"), (1_234_567_890_000_000, "$1,234,567.89"),
            (0, "$0.00"),
            (41_200_000, "$0.0412"), (100_000_000, "$0.10"), (49_999, "<$0.0001"), (50_000, "$0.0001"), (1, "<$0.0001"),
            (999_950_000, "$1.00"), (999_949_999, "$0.9999"), (-412_100_000_000, "-$412.10"), (-1, "-<$0.0001"),
            (995_000_000, "$0.995"), (1_005_000_000, "$1.01"), (1_994_999_999, "$1.99"),
            (Int64.max, "$9,223,372,036.85"), (Int64.min, "-$9,223,372,036.85"),
        ] as [(Int64, String)])
    func moneyIsShownAsItIsRead(_ nano: Int64, _ text: String) {
        #expect(shownMoney(nano) == text)
        #expect(Cell.money(nano).exact == String(nano))
    }

    @Test func countsAreGroupedAndExact() {
        #expect(
            grouped(0) == "0" && grouped(999) == "999" && grouped(1000) == "1,000"
                && grouped(-1_234_567) == "-1,234,567")
        #expect(grouped(.min) == "-9,223,372,036,854,775,808")
        #expect(shortCount(999) == "999" && shortCount(142_300) == "142K" && shortCount(1_250_000) == "1.2M")
        #expect(
            Cell.perMille(912).shown == "91.2 %" && Cell.perMille(nil).shown == "-" && Cell.perMille(nil).exact == "")
    }

    @Test func aStretchOfTimeIsANumberAndAUnit() {
        #expect(durationSeconds("90d") == 90 * 86_400 && durationSeconds("12h") == 43_200)
        #expect(durationSeconds("30m") == 1800 && durationSeconds("45s") == 45 && durationSeconds("0s") == 0)
        for text in ["", "d", "90", "-1d", "1w", "1.5h", "99999999d", "９d"] {
            #expect(durationSeconds(text) == nil, "\(text)")
        }
    }

    @Test func aRangeBeginsOnADayInAMonthOrSomeTimeBack() throws {
        #expect(try rangeText(nil, "--since") == nil)
        #expect(
            try rangeText("2026-11", "--since").flatMap { Timestamp(rfc3339: $0) } == Timestamp(rfc3339: "2026-11-01"))
        #expect(
            try rangeText("2026-11-24", "--since").flatMap { Timestamp(rfc3339: $0) }
                == Timestamp(rfc3339: "2026-11-24"))
        #expect(
            try rangeText("2026-11-24T10:00:00+01:00", "--since").flatMap { Timestamp(rfc3339: $0) }
                == Timestamp(rfc3339: "2026-11-24T09:00:00Z"))
        let week = try #require(try rangeText("7d", "--since").flatMap { Timestamp(rfc3339: $0) })
        #expect(abs(Date(timeIntervalSinceNow: -7 * 86_400).timeIntervalSince1970 - Double(week.seconds)) < 5)
        for text in ["", "yesterday", "2026-13", "2026-02-30", "24.11.2026"] {
            #expect(throws: (any Error).self, "\(text)") { try rangeText(text, "--since") }
        }
        #expect(
            shownTime("2026-11-24T14:03:22Z") == "2026-11-24 14:03" && shownTime(nil) == "-" && shownTime("x") == "-")
    }

    @Test func colourIsForTerminalsThatWantIt() {
        let plain = ["TERM": "xterm-256color"]
        #expect(ColorChoice.auto.isUsed(onTerminal: true, environment: plain))
        #expect(!ColorChoice.auto.isUsed(onTerminal: false, environment: plain))
        #expect(!ColorChoice.auto.isUsed(onTerminal: true, environment: ["NO_COLOR": "1"]))
        #expect(ColorChoice.auto.isUsed(onTerminal: true, environment: ["NO_COLOR": ""]))
        #expect(!ColorChoice.auto.isUsed(onTerminal: true, environment: ["TERM": "dumb"]))
        #expect(ColorChoice.always.isUsed(onTerminal: false, environment: ["NO_COLOR": "1"]))
        #expect(!ColorChoice.never.isUsed(onTerminal: true, environment: plain))
    }

    @Test func theExampleThatInitWritesIsTheRepositorysAndIsAccepted() throws {
        let file = try String(contentsOf: repository.appendingPathComponent("weir.example.yaml"), encoding: .utf8)
        #expect(exampleConfiguration == file)
        _ = try ConfigurationReader.read(text: exampleConfiguration, file: "example", environment: [:])
    }
}
