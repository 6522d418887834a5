// Calls that are not made here, each with what is used in its place and why.

import Foundation
import Testing

@Suite struct BannedCallTests {
    struct Ban: Sendable {
        var pattern: String
        var instead: String
        var isForTestsToo = false
        /// Files in which it is right, with the reason in them.
        var except: [String] = []
    }

    static let bans = [
        Ban(pattern: #"\btry!"#, instead: "throw, or handle it: a trap is a denial of service", isForTestsToo: true),
        Ban(pattern: #"\bas!\s"#, instead: "`as?` with a way out"),
        Ban(pattern: #"[\w\)\]]!(?![=\w])"#, instead: "`guard let`: a nil must not stop the server"),
        Ban(
            pattern: #"\b(fatalError|preconditionFailure|assertionFailure)\("#,
            instead: "an error: outside input must not stop the server"),
        Ban(
            pattern: #"\bprecondition\("#,
            instead: "an error; only a mistake in the code itself, met at start, may trap",
            except: ["Sources/Console/AdminApplication.swift", "Sources/Proxy/OriginTable.swift"]),
        Ban(pattern: #"\bunsafelyUnwrapped\b"#, instead: "`guard let`"),
        Ban(pattern: #"\bunsafeBitCast\("#, instead: "`loadUnaligned`, or a conversion that says what it does"),
        Ban(
            pattern: #"(?<![\w.])print\("#,
            instead: "`output` in Commands, the logger elsewhere: standard output belongs to the CLI"),
        Ban(
            pattern: #"\bThread\.sleep\b|(?<![\w.])sleep\("#, instead: "wait for the condition with a deadline",
            isForTestsToo: true),
        Ban(
            pattern: #"\bDate\(\)|\bDate\.now\b"#,
            instead: "`GatewayClock`: one seed must be able to replay one history",
            // The simulated provider is an outside program with a clock of its own.
            except: ["Sources/Simulation/SimulationRouter.swift"]),
        Ban(pattern: #"\bNSLog\("#, instead: "the logger"),
        Ban(pattern: #"\bJSONSerialization\b"#, instead: "`JSONScanner` on the data plane, `Codable` elsewhere"),
        Ban(pattern: #"\bDispatchQueue\b"#, instead: "an event loop, or structured concurrency"),
        Ban(pattern: #"@testable\b"#, instead: "`package` access: tests build in release", isForTestsToo: true),
        Ban(pattern: #"\b(fixme|xxx)\b"#, instead: "an issue", isForTestsToo: true),
    ]

    @Test(arguments: 0..<bans.count) func isNotCalled(_ index: Int) throws {
        let ban = Self.bans[index]
        let expression = try NSRegularExpression(pattern: ban.pattern)
        var found: [String] = []
        for file in SourceTree.swift
        where ban.isForTestsToo ? !file.path.contains("TidyTests") : file.path.hasPrefix("Sources/") {
            if ban.except.contains(file.path) { continue }
            for (number, text) in file.code
            where expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil {
                found.append("\(file.path):\(number): \(text.trimmingCharacters(in: .whitespaces))")
            }
        }
        #expect(found == [], "Instead: \(ban.instead).")
    }

    @Test func aBanIsSeenInCodeAndNotInTextOrComment() throws {
        let text = """
            let a = b!.c
            let d = "b!.c" // e!.f
            if a != b, !c, x!=y { }
            let g = #"h!"# + i as! String
            try! print("x")
            let j = \"\"\"
                try! k!
                \"\"\"
            writer.print("x"); precondition(true)
            """
        let file = SourceFile(path: "Sources/A/B.swift", text: text)
        let found = try Self.bans.flatMap { ban in
            let expression = try NSRegularExpression(pattern: ban.pattern)
            return file.code.filter {
                expression.firstMatch(in: $0.text, range: NSRange($0.text.startIndex..., in: $0.text)) != nil
            }
            .map(\.number)
        }
        #expect(Set(found) == [1, 4, 5, 9])
    }

    @Test func whatTheCompilerIsToldToTrustIsProvedInAComment() {
        var found: [String] = []
        for file in SourceTree.sources {
            for (number, text) in file.code
            where text.contains("@unchecked Sendable") || text.contains("nonisolated(unsafe)") {
                // The comment stands directly above, or above the attributes between.
                let above =
                    file.lines[..<(number - 1)].reversed().first {
                        !$0.trimmingCharacters(in: .whitespaces).hasPrefix("@")
                    } ?? ""
                if !above.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
                    found.append("\(file.path):\(number)")
                }
            }
        }
        #expect(found == [], "Say in a comment above why it is safe.")
    }

    @Test func hotTargetsDoNotImportFoundation() {
        let hot = ["WireFormat", "GatewayModel", "Dialects", "Policy", "Journal"]
        let found = SourceTree.sources.filter { hot.contains($0.target) }
            .flatMap { file in
                file.code.filter { $0.text.contains("import Foundation") }.map { "\(file.path):\($0.number)" }
            }
        #expect(found == [], "These targets are on the hot path and build in seconds without it.")
    }

    @Test func noAddressOfAPackageRegistryStandsInTheTree() {
        let hosts = ["pypi.org", "files.pythonhosted", "registry.npmjs", "crates.io", "deb.debian.org", "proxy.golang"]
        var found: [String] = []
        for file in SourceTree.written + SourceTree.documents where !file.path.contains("TidyTests") {
            for host in hosts where file.text.contains(host) { found.append("\(file.path): \(host)") }
        }
        #expect(found == [], "Which registry serves a package is the machine's setting.")
    }
}
