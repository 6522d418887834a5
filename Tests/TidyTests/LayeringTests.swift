// Arrows point only downwards: the manifest's dependencies and every import against the order in `docs/architecture.md`.

import Foundation
import Testing

@Suite struct LayeringTests {
    /// The targets from the top of the house to its floor, and what each may use, as the document's table says.
    static let table: [(name: String, mayUse: String)] = SourceTree.read("docs/architecture.md").lines.compactMap {
        line in
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard cells.count == 3, cells[0].hasPrefix("`"), cells[0].hasSuffix("`") else { return nil }
        return (String(cells[0].dropFirst().dropLast()), cells[2])
    }

    static let order = table.map(\.name)

    /// C shims without an idea of their own; anybody may use them.
    static let shims: Set<String> = ["CSearch", "CAllocator", "CZlib"]

    @Test func theTableNamesEveryTarget() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appending(path: "Sources").path)
        #expect(
            Set(folders.filter { !$0.hasPrefix(".") }).subtracting(Self.shims) == Set(Self.order),
            "docs/architecture.md lists the targets.")
        #expect(Self.order.last == "GatewayModel" && Self.order.first == "weir")
    }

    @Test func everyImportPointsDown() {
        var found: [String] = []
        for file in SourceTree.sources {
            guard let from = Self.order.firstIndex(of: file.target) else { continue }
            for name in imports(of: file) {
                guard let to = Self.order.firstIndex(of: name) else { continue }
                if to <= from { found.append("\(file.path) imports \(name), which stands above") }
            }
        }
        #expect(found == [])
    }

    @Test func everyImportIsOneThatTheTableAllows() {
        var found: [String] = []
        for (target, mayUse) in Self.table where mayUse != "everything below" {
            let allowed = Set(mayUse.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
            for file in SourceTree.sources where file.target == target {
                for name in imports(of: file) where Self.order.contains(name) && !allowed.contains(name) {
                    found.append("\(file.path) imports \(name)")
                }
            }
        }
        #expect(found == [], "Widen the table in docs/architecture.md, or do without.")
    }

    @Test func theManifestNeedsNoMoreThanTheTableAllows() throws {
        let manifest = SourceTree.read("Package.swift").text
        for (target, mayUse) in Self.table where mayUse != "everything below" && target != "weir" {
            // `library("Name", [ … ])` up to its closing parenthesis.
            guard let start = manifest.range(of: #"library\(\s*"\#(target)""#, options: .regularExpression) else {
                Issue.record("Package.swift has no target \(target)")
                continue
            }
            let list = manifest[start.upperBound...].prefix { $0 != ")" }.prefix { $0 != "]" }
            let allowed = Set(mayUse.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
            for name in Self.order where list.contains("\"\(name)\"") {
                #expect(allowed.contains(name), "\(target) depends on \(name)")
            }
        }
    }

    @Test func theFloorNeedsNothing() {
        for file in SourceTree.sources where file.target == "GatewayModel" || file.target == "WireFormat" {
            let used = Set(imports(of: file)).subtracting(Self.shims)
            #expect(used.isSubset(of: ["Glibc"]), "\(file.path) imports \(used)")
        }
    }

    private func imports(of file: SourceFile) -> [String] {
        file.code.compactMap { line in
            let words = line.text.split(separator: " ").map(String.init)
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count, index <= 1 else { return nil }
            return words[index + 1]
        }
    }
}
