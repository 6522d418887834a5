// ConfigurationWatch: SIGHUP or a changed file reloads the configuration: whole, or not at all and the old one stays.

import Foundation
import Logging
import ServerConfiguration
import ServiceLifecycle
import UnixSignals

struct ConfigurationWatch: Service {
    let path: String?
    let logger: Logger
    let reload: @Sendable () async throws -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { await apply("SIGHUP") }
                }
                group.addTask { try await followFile() }
                try await group.waitForAll()
            }
        }
    }

    private func followFile() async throws {
        guard let path else { return }
        var seen = stamp(path)
        while true {
            try await Task.sleep(for: .seconds(1))
            let now = stamp(path)
            guard now != seen, now != nil else { continue }
            seen = now
            await apply("the file changed")
        }
    }

    /// Size and time; a file that is being replaced has neither for a moment.
    private func stamp(_ path: String) -> String? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let time = attributes[.modificationDate] as? Date
        else { return nil }
        return "\(time.timeIntervalSince1970) \(attributes[.size] ?? 0)"
    }

    private func apply(_ cause: String) async {
        do {
            try await reload()
            logger.notice("configuration reloaded", metadata: ["cause": "\(cause)"])
        } catch let faults as ConfigurationFaults {
            for fault in faults.faults { logger.error("configuration kept as it was: \(fault)") }
        } catch {
            logger.error("configuration kept as it was: \(error)")
        }
    }
}
