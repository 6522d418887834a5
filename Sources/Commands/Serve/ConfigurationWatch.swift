// ConfigurationWatch: SIGHUP or a changed file reloads the configuration: whole, or not at all and the old one stays.

import Foundation
import Logging
import ServerConfiguration
import ServiceLifecycle
import UnixSignals

/// The configuration's file as it was when somebody looked at it last.
struct WatchedFile: Sendable {
    let path: String
    private var seen: String?

    /// Made before the file is read for the first time, so that no change falls between reading and watching.
    init(_ path: String) {
        self.path = path
        seen = Self.stamp(path)
    }

    /// Whether it has changed since it was asked last. A file that is being replaced is not there for a moment.
    mutating func hasChanged() -> Bool {
        guard let now = Self.stamp(path), now != seen else { return false }
        seen = now
        return true
    }

    private static func stamp(_ path: String) -> String? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let time = attributes[.modificationDate] as? Date
        else { return nil }
        return "\(time.timeIntervalSince1970) \(attributes[.size] ?? 0)"
    }
}

struct ConfigurationWatch: Service {
    let file: WatchedFile?
    /// Trapped before the server says that it listens: an untrapped SIGHUP would end the process.
    let hangUps: UnixSignalsSequence
    let logger: Logger
    let reload: @Sendable () async throws -> Void

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in hangUps { await apply("SIGHUP") }
                }
                group.addTask { try await followFile() }
                try await group.waitForAll()
            }
        }
    }

    private func followFile() async throws {
        guard var file else { return }
        while true {
            if file.hasChanged() { await apply("the file changed") }
            try await Task.sleep(for: .seconds(1))
        }
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
