// DocumentationTests: the reference pages in docs/ are what the code's schema says. `make docs` writes them anew.

import Foundation
import GatewayModel
import ServerConfiguration
import Testing

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

@Suite struct DocumentationTests {
    @Test(arguments: ["configuration.md", "limits.md"])
    func aReferencePageIsWhatTheSchemaSays(_ name: String) throws {
        let rendered = name == "limits.md" ? ConfigurationReference.limits() : ConfigurationReference.configuration()
        let file = root.appendingPathComponent("docs/\(name)")
        if ProcessInfo.processInfo.environment["WEIR_REGENERATE"] == "1" {
            try Data(rendered.utf8).write(to: file)
        }
        let written = FileManager.default.contents(atPath: file.path).map { String(decoding: $0, as: UTF8.self) }
        #expect(written == rendered, "docs/\(name) differs from the schema; run: make docs")
    }

    @Test func theExampleInTheRepositoryIsAccepted() throws {
        _ = try ConfigurationReader.read(path: root.appendingPathComponent("weir.example.yaml").path, environment: [:])
    }

    @Test func whatTheExampleHasAsCommentsIsAcceptedToo() throws {
        let text = String(
            decoding: try Data(contentsOf: root.appendingPathComponent("weir.example.yaml")), as: UTF8.self)
        let secret = FileManager.default.temporaryDirectory.appendingPathComponent("weir-example-\(UUID().uuidString)")
        try Data("sk-example".utf8).write(to: secret)
        defer { try? FileManager.default.removeItem(at: secret) }
        var isSetting = false
        let uncommented = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            // Prose begins with a capital or a backquote; a setting is a word and a colon, or lies below one.
            guard line.hasPrefix("# ") else {
                isSetting = false
                return String(line)
            }
            let rest = line.dropFirst(2)
            if rest.prefix(while: { $0.isLowercase || $0 == "_" }).isEmpty == false, rest.contains(":") {
                isSetting = !rest.contains(". ")
            }
            return isSetting && (rest.hasPrefix(" ") || rest.contains(":")) ? String(rest) : String(line)
        }.joined(separator: "\n").replacingOccurrences(of: "/run/secrets/anthropic", with: secret.path)
        let read = try ConfigurationReader.read(
            text: uncommented, file: "weir.example.yaml",
            environment: [
                "OPENAI_API_KEY": "sk-example", "GEMINI_API_KEY": "k", "AZURE_OPENAI_API_KEY": "k", "AWS_BEARER_TOKEN_BEDROCK": "k",
                "ALERT_SECRET": "k",
            ])
        #expect(read.providers.map(\.name) == ["openai", "anthropic", "gemini", "azure", "bedrock", "inhouse"])
        #expect(read.prices.count == 2 && read.requiredLabels == ["repository"] && read.tlsCertificate != nil)
    }

    @Test func everySettingOfTheReferenceCanBeSet() throws {
        let rows = (ConfigurationReference.configuration() + ConfigurationReference.limits()).split(separator: "\n")
            .filter { $0.hasPrefix("| `") && $0.contains("`WEIR_") }
        #expect(rows.count > 25)
        for row in rows {
            let cells = row.split(separator: "|").map {
                String($0).trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            #expect(cells.count == 5, "\(row)")
            let value = cells[3].replacingOccurrences(of: "[", with: "").replacingOccurrences(of: "]", with: "")
            guard !value.isEmpty else { continue }
            #expect(throws: Never.self, "\(cells[1])") {
                try ConfigurationReader.read(text: "", file: "none", environment: [cells[1]: value])
            }
        }
    }
}
