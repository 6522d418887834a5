// JournalVerb: `weir journal inspect`: the journal's records as they stand, without a server.

import ArgumentParser
import Foundation
import Journal

struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "The journal: inspect.", subcommands: [Inspect.self])

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write every record as one line of JSON, in order.")
        @OptionGroup var server: ServerOptions
        @Option(help: "Only this boot.") var boot: String?
        @Flag(help: "Count records instead.") var count = false

        func run() async throws {
            let folder = server.folder
            guard FileManager.default.fileExists(atPath: folder.journal) else {
                throw CommandFailure("no_journal", "there is no journal in \(folder.path)", mend: "name the data folder: --data DIR")
            }
            var reader = JournalReader(directory: folder.journal)
            var cursor = JournalPosition(boot: boot ?? "", sequence: 0)
            var counts: [String: Int] = [:]
            while true {
                let records = reader.read(after: cursor, countMax: 1000)
                guard let last = records.last else { break }
                cursor = last.position
                for record in records where boot == nil || record.position.boot == boot {
                    counts[record.kind?.rawValue ?? "unknown", default: 0] += 1
                    if !count { try output(String(decoding: record.json, as: UTF8.self) + "\n") }
                }
            }
            if count { try writeJSON(counts) }
        }
    }
}
