// ModelTable: from the model that a client names to the provider that serves it. `provider/model`, or bare where only one
// provider has it.

package import GatewayModel

/// A model that can be asked for.
package struct ListedModel: Sendable, Hashable {
    package var id: String
    package var provider: String

    package init(id: String, provider: String) {
        self.id = id
        self.provider = provider
    }
}

/// Where a model name leads.
package struct ResolvedModel: Sendable, Hashable {
    package var providerIndex: Int
    /// The id that goes upstream.
    package var model: String
    /// The dialect in which its provider is asked: the client's own, or one that Weir translates to.
    package var dialect: Dialect
    /// What finance sees: `provider/model`.
    package var deployment: String
}

/// Model names of all providers.
package struct ModelTable: Sendable {
    private let providers: [Provider]
    private var byName: [String: Int] = [:]

    package init(_ providers: [Provider]) {
        self.providers = providers
        for (index, provider) in providers.enumerated() { byName[provider.name] = index }
    }

    /// Finds the one provider of a model: among those that speak the dialect, else among those that speak one of `others`, the
    /// first of them first.
    package func resolve(
        _ asked: String, dialect: Dialect, translatingTo others: [Dialect] = []
    ) throws(GatewayError) -> ResolvedModel {
        do throws(GatewayError) {
            return try resolveNative(asked, dialect: dialect, translated: false)
        } catch {
            guard case .dialectNotServed = error else { throw error }
            for other in others where other != dialect {
                do throws(GatewayError) {
                    return try resolveNative(asked, dialect: other, translated: true)
                } catch {
                    guard case .dialectNotServed = error else { throw error }
                }
            }
            throw error
        }
    }

    /// The deployment `provider/model`, whatever it speaks; nil when there is no such provider or it does not have the model.
    package func deployment(_ name: String) -> (providerIndex: Int, model: String)? {
        guard let slash = name.utf8.firstIndex(of: 47), let index = byName[String(name[..<slash])] else { return nil }
        let model = String(name[name.utf8.index(after: slash)...])
        guard !model.isEmpty, serves(providers[index], model) != nil else { return nil }
        return (index, providers[index].aliases[model] ?? model)
    }

    private func resolveNative(_ asked: String, dialect: Dialect, translated: Bool) throws(GatewayError) -> ResolvedModel {
        guard !providers.isEmpty else { throw .noProvider }
        if let slash = asked.utf8.firstIndex(of: 47), let index = byName[String(asked[..<slash])] {
            let model = String(asked[asked.utf8.index(after: slash)...])
            guard !model.isEmpty, serves(providers[index], model) != nil else { throw unknown(asked) }
            let upstream = providers[index].aliases[model] ?? model
            guard providers[index].speaks(dialect, for: upstream, translated: translated) else {
                throw .dialectNotServed(provider: providers[index].name, dialect: dialect)
            }
            return resolved(index, upstream, dialect)
        }
        var first: Int?
        var others: [Int] = []
        var bestRank = 0
        var otherDialect: Int?
        for index in 0..<providers.count {
            guard let rank = serves(providers[index], asked) else { continue }
            let upstream = translated ? providers[index].aliases[asked] ?? asked : asked
            guard providers[index].speaks(dialect, for: upstream, translated: translated) else {
                otherDialect = index
                continue
            }
            if rank > bestRank {
                first = index
                others = []
                bestRank = rank
            } else if rank == bestRank {
                others.append(index)
            }
        }
        guard let first else {
            if let otherDialect { throw .dialectNotServed(provider: providers[otherDialect].name, dialect: dialect) }
            throw unknown(asked)
        }
        guard others.isEmpty else {
            throw .ambiguousModel(model: asked, providers: ([first] + others).map { providers[$0].name })
        }
        let aliases = providers[first].aliases
        return resolved(first, aliases.isEmpty ? asked : aliases[asked] ?? asked, dialect)
    }

    private func resolved(_ index: Int, _ model: String, _ dialect: Dialect) -> ResolvedModel {
        ResolvedModel(providerIndex: index, model: model, dialect: dialect, deployment: providers[index].name + "/" + model)
    }

    /// Every exact name that is known, in the order of the providers.
    package func listedModels() -> [ListedModel] {
        providers.flatMap { provider in
            var ids = provider.aliases.keys.sorted() + provider.models.filter { !$0.hasSuffix("*") }
            if let catalogue = provider.priceProvider {
                ids += Catalogue.models(of: catalogue).filter { serves(provider, $0) != nil }
            }
            var seen: Set<String> = []
            return ids.filter { seen.insert($0).inserted }.map { ListedModel(id: $0, provider: provider.name) }
        }
    }

    /// 4 alias, 3 exact id, 2 pattern, 1 everything; nil when the provider does not have it.
    private func serves(_ provider: Provider, _ model: String) -> Int? {
        if !provider.aliases.isEmpty, provider.aliases[model] != nil { return 4 }
        var rank: Int?
        for pattern in provider.models {
            if pattern == model { return 3 }
            guard pattern.utf8.last == 42, model.utf8.starts(with: pattern.utf8.dropLast()) else { continue }
            rank = max(rank ?? 0, pattern == "*" ? 1 : 2)
        }
        return rank
    }

    private func unknown(_ asked: String) -> GatewayError {
        let bare = asked.split(separator: "/").last.map(String.init) ?? asked
        // A third of the name may be wrong: of a short one, three letters would be all.
        let editsMax = min(3, max(1, bare.utf8.count / 3))
        let near = listedModels().map { ($0.id, editDistance(bare, $0.id)) }.filter { $0.1 <= editsMax }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(3).map(\.0)
        return .unknownModel(model: asked, suggestions: Array(near))
    }
}

/// Levenshtein distance over bytes, of names up to 64 bytes.
package func editDistance(_ left: String, _ right: String) -> Int {
    let a = Array(left.utf8.prefix(64))
    let b = Array(right.utf8.prefix(64))
    var row = Array(0...b.count)
    for i in 0..<a.count {
        var diagonal = row[0]
        row[0] = i + 1
        for j in 0..<b.count {
            let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
            diagonal = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[b.count]
}
