// Documents: that they exist, that declarations say what they are for, that the list of dependencies is whole, that no
// fixture is an orphan, and that nothing speaks of the place where it was written.

import Foundation
import Testing

@Suite struct DocumentTests {
    @Test(arguments: [
        "README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "Makefile", "docs/architecture.md",
        "docs/dependencies.md", "docs/glossary.md", "docs/threat-model.md",
        "docs/configuration.md", "docs/limits.md", "docs/decisions", "Fixtures/README.md", ".swift-format",
        "weir.example.yaml",
    ])
    func exists(_ path: String) {
        #expect(SourceTree.exists(path), "\(path) is missing")
    }

    @Test func everyTypeThatOthersUseHasADocComment() {
        var found: [String] = []
        for file in SourceTree.sources {
            for (number, text) in file.code {
                let words = text.trimmingCharacters(in: .whitespaces).split(separator: " ").map(String.init)
                guard let access = words.first, access == "package" || access == "public",
                    let kind = words.dropFirst().first(where: {
                        !["final", "static", "mutating", "nonisolated", "indirect"].contains($0)
                    }),
                    ["struct", "class", "enum", "protocol", "actor", "typealias"].contains(kind)
                else { continue }
                if !isDocumented(file, number) {
                    found.append("\(file.path):\(number): \(text.trimmingCharacters(in: .whitespaces))")
                }
            }
        }
        #expect(found == [], "A doc comment says what it is for.")
    }

    @Test func everyFreeFunctionThatOthersCallHasADocComment() {
        var found: [String] = []
        for file in SourceTree.sources {
            for (number, text) in file.code where text.hasPrefix("package func ") || text.hasPrefix("public func ") {
                if !isDocumented(file, number) { found.append("\(file.path):\(number): \(text)") }
            }
        }
        #expect(found == [], "A doc comment says what it answers or does.")
    }

    private func isDocumented(_ file: SourceFile, _ number: Int) -> Bool {
        let above =
            file.lines[..<(number - 1)].reversed().first { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("@") }
            ?? ""
        return above.trimmingCharacters(in: .whitespaces).hasPrefix("///")
    }

    @Test func everyPackageIsInTheListOfDependencies() {
        let list = SourceTree.read("docs/dependencies.md").text
        for line in SourceTree.read("Package.swift").lines where line.contains(".package(url:") {
            let parts = line.components(separatedBy: "\"")
            let name = parts[1].split(separator: "/").last.map(String.init) ?? ""
            #expect(line.contains("exact:"), "\(name) is not pinned")
            #expect(list.contains("| \(name) | \(parts[3]) |"), "docs/dependencies.md lacks \(name) \(parts[3])")
        }
    }

    @Test func noFixtureIsAnOrphan() throws {
        let root = SourceTree.root.appending(path: "Fixtures")
        let dialects = try FileManager.default.contentsOfDirectory(atPath: root.path).filter {
            $0.hasPrefix("openai_") || $0.hasPrefix("anthropic_") || $0.hasPrefix("bedrock_")
        }
        #expect(!dialects.isEmpty)
        for dialect in dialects {
            let files = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: dialect).path)
            for (name, ofCase) in Dictionary(grouping: files, by: { String($0.prefix { $0 != "." }) }) {
                let endings = Set(ofCase.map { String($0.dropFirst(name.count)) })
                let isWhole =
                    endings == [".request.json", ".expected.json", ".response.sse"]
                    || endings == [".request.json", ".expected.json", ".response.json"]
                    || endings == [".request.json", ".expected.json", ".response.eventstream"]
                #expect(isWhole, "Fixtures/\(dialect)/\(name) has \(endings.sorted())")
            }
        }
    }

    @Test func everyFuzzTargetHasACorpusAndATestThatReplaysIt() throws {
        let tests = SourceTree.swift.filter(\.isTest).map(\.text).joined()
        for driver in SourceTree.files(in: "Fuzz/Drivers", endings: ["swift"]) {
            let name = driver.path.split(separator: "/").last.map { String($0.dropLast(6)) } ?? ""
            let corpus = try FileManager.default.contentsOfDirectory(
                atPath: SourceTree.root.appending(path: "Fuzz/corpus/\(name)").path)
            #expect(corpus.count >= 20, "Fuzz/corpus/\(name)")
            #expect(
                tests.contains("corpus/\(name)") || tests.contains("(\"\(name)\", {"),
                "no test replays Fuzz/corpus/\(name)")
        }
    }

    @Test func everyMakeTargetIsPhonyAndShort() {
        let makefile = SourceTree.read("Makefile")
        let phony = makefile.lines.first { $0.hasPrefix(".PHONY:") } ?? ""
        for name in ["run", "test", "check", "fmt", "bench", "fuzz", "demo", "clean"] {
            #expect(makefile.lines.contains { $0.hasPrefix("\(name):") }, "make \(name)")
            #expect(phony.split(separator: " ").contains(Substring(name)))
        }
    }
}
