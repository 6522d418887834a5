// A provider whose API is another's touches few files, and this says which.

import Testing

@Suite struct ProviderFilesTests {
    /// Vendors whose whole entry is an address, a key and what departs from OpenAI's API.
    @Test(arguments: ["sambanova", "perplexity", "nebius"])
    func addingAnOpenAICompatibleProviderTouchesThreeFiles(_ vendor: String) {
        let named = (SourceTree.sources + SourceTree.documents).filter { file in
            let text = file.text.lowercased()
            return text.contains("\"\(vendor)\"") || text.contains(".\(vendor),") || text.contains("`\(vendor)`")
        }
        // Its own value, its line in the registry, and the reference page, which `make docs` writes.
        #expect(
            named.map { $0.path.split(separator: "/").last.map(String.init) ?? "" }.map { $0.lowercased() }.sorted()
                == ["\(vendor)preset.swift", "configuration.md", "providerpreset.swift"].sorted())
    }

    @Test func everyFolderOfProvidersHoldsAPreset() {
        let folders = Set(
            SourceTree.sources.filter { $0.path.hasPrefix("Sources/Providers/") }.compactMap { file -> String? in
                let parts = file.path.split(separator: "/").map(String.init)
                return parts.count == 4 ? parts[2] : nil
            })
        for folder in folders.subtracting(["Catalogue", "Import"]) {
            #expect(
                SourceTree.sources.contains {
                    $0.path.hasPrefix("Sources/Providers/\(folder)/") && $0.text.contains("extension ProviderPreset {")
                }, "\(folder)")
        }
    }
}
