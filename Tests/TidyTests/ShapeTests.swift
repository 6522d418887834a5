// The shape of a file: short, narrow, and it says its one idea in its first line.

import Foundation
import Testing

@Suite struct ShapeTests {
    @Test func noFileIsOver400Lines() {
        let long = SourceTree.written.filter { $0.lines.count > 400 }.map { "\($0.path): \($0.lines.count) lines" }
        #expect(long == [], "Split the file by idea: `Type+Topic.swift`.")
    }

    @Test func noLineIsOver140Columns() {
        var long: [String] = []
        for file in SourceTree.swift {
            var isInText = false
            for (index, line) in file.lines.enumerated() {
                let togglesText = line.components(separatedBy: "\"\"\"").count % 2 == 0
                // What stands inside a literal of several lines is data.
                if line.count > 140, !isInText { long.append("\(file.path):\(index + 1): \(line.count) columns") }
                if togglesText { isInText.toggle() }
            }
        }
        #expect(long == [], "Break the line.")
    }

    @Test func everyFileBeginsWithItsIdea() {
        let silent = SourceTree.swift.filter { file in
            guard let first = file.lines.first(where: { !$0.hasPrefix("// swift-tools-version") && !$0.isEmpty }) else {
                return true
            }
            return !first.hasPrefix("// ") && !first.hasPrefix("import PackageDescription")
        }
        #expect(silent.map(\.path) == [], "The first line is a comment that says what the file is.")
    }

    @Test func everyPythonFileBeginsWithItsIdea() {
        let silent = SourceTree.written.filter { $0.path.hasSuffix(".py") && !$0.path.hasSuffix("__init__.py") }.filter { file in
            let first = file.lines.first { !$0.hasPrefix("#!") && !$0.isEmpty } ?? ""
            return !first.hasPrefix("\"\"\"")
        }
        #expect(silent.map(\.path) == [], "The first line is a docstring that states the idea.")
    }

    @Test func functionsStayUnder70Lines() {
        var long: [String] = []
        for file in SourceTree.sources {
            for (start, line) in file.lines.enumerated() where line.contains("func ") && line.hasSuffix("{") {
                let indent = line.prefix { $0 == " " }
                guard let end = file.lines[start...].firstIndex(of: "\(indent)}") else { continue }
                if end - start > 70 { long.append("\(file.path):\(start + 1): \(end - start) lines") }
            }
        }
        #expect(long == [], "A function that long does more than one thing.")
    }

    @Test func namesSayWhatAThingIs() {
        let vague = ["Manager", "Helper", "Util", "Utils", "Impl", "V2"]
        var found: [String] = []
        for file in SourceTree.sources {
            for (number, text) in file.code {
                let words = text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
                guard
                    let keyword = words.firstIndex(where: {
                        ["struct", "class", "enum", "protocol", "actor"].contains($0)
                    }),
                    keyword + 1 < words.count, vague.contains(where: { words[keyword + 1].hasSuffix($0) })
                else { continue }
                found.append("\(file.path):\(number): \(words[keyword + 1])")
            }
        }
        #expect(found == [], "A type is named after what it is.")
    }
}
