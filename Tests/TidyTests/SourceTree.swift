// SourceTree: the files of this repository as the tidy tests see them.

import Foundation

/// One text file.
struct SourceFile: Sendable {
    /// From the repository's root: `Sources/Proxy/Exchange.swift`.
    let path: String
    let text: String
    let lines: [String]
    /// The lines with their numbers, without comments and without what stands inside string literals; Swift files only.
    let code: [(number: Int, text: String)]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        code = path.hasSuffix(".swift") ? Self.code(of: lines) : []
    }

    /// The target that it belongs to: the second folder of its path.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isTest: Bool { path.hasPrefix("Tests/") }
}

/// The repository.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file of the product, its tests and its fuzz targets.
    static let swift: [SourceFile] =
        ["Sources", "Tests", "Fuzz"].flatMap { files(in: $0, endings: ["swift"]) } + [read("Package.swift")]
    static let sources = swift.filter { $0.path.hasPrefix("Sources/") }
    /// Everything that a person wrote.
    static let written: [SourceFile] =
        swift
        + ["Sources", "Tests", "Fuzz", "Benchmarks", "scripts", "clients"].flatMap {
            files(in: $0, endings: ["py", "sh", "c", "h", "js"])
        }
    static let documents: [SourceFile] =
        files(in: "docs", endings: ["md"])
        + ["README.md", "CHANGELOG.md", "SECURITY.md", "Makefile", "weir.example.yaml", ".ci/run"].filter(exists).map(
            read)

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    static func read(_ path: String) -> SourceFile {
        let text = (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
        return SourceFile(path: path, text: text)
    }

    static func files(in folder: String, endings: [String]) -> [SourceFile] {
        let base = root.appending(path: folder)
        guard let all = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return all.compactMap { $0 as? String }
            .filter { name in
                endings.contains { name.hasSuffix(".\($0)") }
                    && !name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "out" }
            }
            .sorted().map { read("\(folder)/\($0)") }
    }
}

extension SourceFile {
    private static func code(of lines: [String]) -> [(number: Int, text: String)] {
        var isInText = false
        return lines.enumerated().map { index, line in
            let quotes = line.components(separatedBy: "\"\"\"").count - 1
            defer { if quotes % 2 == 1 { isInText.toggle() } }
            return (index + 1, isInText || quotes > 0 ? "" : withoutTextAndComment(line))
        }
    }

    private static func withoutTextAndComment(_ line: String) -> String {
        var out = ""
        var isInString = false
        var isRaw = false
        var last: Character = " "
        var rest = Substring(line)
        while let character = rest.popFirst() {
            if isInString {
                let ends = character == "\"" && (isRaw ? rest.first == "#" : last != "\\")
                if ends { isInString = false }
                last = last == "\\" && character == "\\" ? " " : character
                continue
            }
            if character == "/", rest.first == "/" { break }
            if character == "\"" {
                isInString = true
                isRaw = last == "#"
            }
            out.append(character)
            last = character
        }
        return out
    }
}
