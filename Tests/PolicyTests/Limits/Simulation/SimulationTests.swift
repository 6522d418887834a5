// Many histories of a node under chance: a seed that fails replays what went wrong. `WEIR_SEEDS=100000` runs more (`make simulate`).

import Foundation
import Policy
import Testing

@Suite struct LimitSimulationTests {
    static let seeds = ProcessInfo.processInfo.environment["WEIR_SEEDS"].flatMap { Int($0) } ?? 2000
    static let first = ProcessInfo.processInfo.environment["WEIR_FIRST_SEED"].flatMap { Int($0) } ?? 1

    @Test func invariantsHoldAtEveryStepOfEveryHistory() async throws {
        var zones: [String: TimeZoneRules] = [:]
        for name in ["Europe/Berlin", "America/New_York"] { zones[name] = fixtureZone(name) }
        try #require(zones.count == 2)
        let shares = 4
        let (counts, faults) = await withTaskGroup(of: (SimulatedHistory.Counts, [String]).self) { group in
            for share in 0..<shares {
                group.addTask { [zones] in
                    Self.run(stride(from: Self.first + share, to: Self.first + Self.seeds, by: shares), zones)
                }
            }
            var total = SimulatedHistory.Counts()
            var faults: [String] = []
            for await (counts, found) in group {
                total.add(counts)
                faults += found
            }
            return (total, faults)
        }
        #expect(faults == [])
        // A simulation that never gets near a limit shows nothing.
        let seeds = Self.seeds
        #expect(counts.admitted > 10 * seeds && counts.refused > 5 * seeds && counts.extended > seeds / 2 && counts.denied > seeds / 10)
        #expect(counts.crashes > seeds / 2 && counts.recovered > seeds / 2 && counts.jumps > seeds / 10 && counts.atTheLimit > seeds)
        if ProcessInfo.processInfo.environment["WEIR_SEEDS"] != nil {
            FileHandle.standardOutput.write(Data("\(seeds) histories: \(counts)\n".utf8))
        }
    }

    private static func run(_ seeds: StrideTo<Int>, _ zones: [String: TimeZoneRules]) -> (SimulatedHistory.Counts, [String]) {
        var total = SimulatedHistory.Counts()
        var faults: [String] = []
        for seed in seeds where faults.count < 3 {
            do {
                var history = try SimulatedHistory(seed: UInt64(seed), zones: zones)
                total.add(try history.run(steps: 120, zones: zones))
            } catch {
                faults.append("\(error)")
            }
        }
        return (total, faults)
    }
}
