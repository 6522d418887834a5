// What each upstream gets: each case of `Fixtures/translation/requests`, as every client dialect says it, in every upstream dialect,
// held against golden files. Clients that say the same are grouped, so that a difference between them is seen when the file is read.
// `WEIR_REGENERATE=1` writes them anew.

import Dialects
import Foundation
import GatewayModel
import Testing

@Suite struct RequestGoldenTests {
    private static let folder = Fixture.root.appending(path: "translation/requests")
    private static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") && !$0.hasSuffix(".golden.json") }.map { String($0.dropLast(5)) }.sorted()
    }()

    @Test func theCasesAreThere() {
        #expect(Self.names.count >= 20)
    }

    @Test(arguments: names) func eachUpstreamGetsWhatIsWritten(_ name: String) throws {
        let said = try Value(parsing: Data(contentsOf: Self.folder.appending(path: "\(name).json")))["said"]
        var lines: [String] = []
        for upstream in translatableDialects {
            var groups: [(outcome: String, clients: [String])] = []
            for client in translatableDialects where client != upstream && said[client.rawValue].isThere {
                let outcome = outcome(Array(said[client.rawValue].text.utf8), client, upstream)
                if let place = groups.firstIndex(where: { $0.outcome == outcome }) {
                    groups[place].clients.append(client.rawValue)
                } else {
                    groups.append((outcome, [client.rawValue]))
                }
            }
            let texts = groups.map { group in
                "    {\"clients\": [\(group.clients.map { "\"\($0)\"" }.joined(separator: ", "))],\n     \(group.outcome)}"
            }
            lines.append("  \"\(upstream.rawValue)\": [\n\(texts.joined(separator: ",\n"))\n  ]")
        }
        let golden = "{\n\(lines.joined(separator: ",\n"))\n}\n"
        let file = Self.folder.appending(path: "\(name).golden.json")
        if ProcessInfo.processInfo.environment["WEIR_REGENERATE"] == "1" { try golden.write(to: file, atomically: true, encoding: .utf8) }
        #expect(try String(contentsOf: file, encoding: .utf8) == golden)
    }

    /// The body as a value with sorted members, or the refusal.
    private func outcome(_ body: [UInt8], _ client: Dialect, _ upstream: Dialect) -> String {
        do {
            let request = try body.withUnsafeBytes { try readCanonicalRequest($0, in: client) }
            let target = TranslationTarget(model: RequestTableTests.models[upstream] ?? "m")
            let written = try writeCanonicalRequest(request, in: upstream, for: target)
            return "\"dropped\": \(Value(written.dropped).text), \"body\": \(try Value(parsing: written.body).text)"
        } catch let refusal as TranslationRefusal {
            return "\"refused\": \(Value(refusal.parameter).text)"
        } catch {
            return "\"unreadable\": true"
        }
    }
}
