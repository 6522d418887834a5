// ConfigurationReader: weir.yaml into settings. Every fault is told with its place and its mend, and nothing is taken over while
// there is one.

import Foundation
import GatewayModel
import Providers
import Yams

/// Reads a configuration: environment over file over defaults. Flags are laid over the result by the command line.
package struct ConfigurationReader {
    /// A file larger than this is refused before it is parsed.
    private static let fileBytesMax = 1 << 20

    private let file: String
    private let environment: [String: String]
    private var settings = GatewaySettings()
    private var faults: [ConfigurationFault] = []

    private init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    /// - Parameters:
    ///   - path: `weir.yaml`, or nil to go by the environment alone.
    ///   - environment: the process's variables; `WEIR_*` are settings, others fill `${NAME}`.
    package static func read(path: String?, environment: [String: String]) throws(ConfigurationFaults) -> GatewaySettings {
        var text = ""
        if let path {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ConfigurationFaults(faults: [
                    ConfigurationFault(file: path, line: 0, column: 0, message: "cannot be read", mend: "check the path given by --config")
                ])
            }
            guard data.count <= fileBytesMax else {
                throw ConfigurationFaults(faults: [
                    ConfigurationFault(file: path, line: 0, column: 0, message: "is larger than 1 MiB", mend: "split what is not configuration out of it")
                ])
            }
            text = String(decoding: data, as: UTF8.self)
        }
        return try read(text: text, file: path ?? "environment", environment: environment)
    }

    /// Reads a configuration's text; `file` names it in faults.
    package static func read(
        text: String, file: String, environment: [String: String]
    ) throws(ConfigurationFaults) -> GatewaySettings {
        var reader = ConfigurationReader(file: file, environment: environment)
        reader.readText(text)
        reader.readEnvironment()
        reader.finish()
        guard reader.faults.isEmpty else { throw ConfigurationFaults(faults: reader.faults) }
        return reader.settings
    }

    private mutating func readText(_ text: String) {
        // An alias can make a small file huge; a configuration needs none.
        if text.split(separator: "\n").contains(where: { $0.contains(": *") || $0.contains("- *") }) {
            fault(nil, "holds a YAML alias", "write the value out")
            return
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let place = (error as? YamlError).flatMap(Self.mark)
            faults.append(
                ConfigurationFault(
                    file: file, line: place?.line ?? 0, column: place?.column ?? 0, message: "is not valid YAML",
                    mend: "check indentation and quotes near this place"))
            return
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            fault(root, "must be a mapping of settings", "see docs/configuration.md")
            return
        }
        for (key, value) in mapping { readTop(key, value) }
    }

    private static func mark(_ error: YamlError) -> Mark? {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark
        default: nil
        }
    }

    private mutating func readTop(_ key: Node, _ value: Node) {
        guard let name = key.string else {
            fault(key, "a setting's name must be text", "see docs/configuration.md")
            return
        }
        switch name {
        case "providers": readProviders(value)
        case "prices": readPrices(value)
        default:
            if let setting = Schema.all.first(where: { $0.path == name }) {
                read(setting, value)
            } else if Schema.all.contains(where: { $0.path.hasPrefix(name + ".") }), let group = value.mapping {
                for (inner, value) in group {
                    let path = "\(name).\(inner.string ?? "")"
                    if let setting = Schema.all.first(where: { $0.path == path }) {
                        read(setting, value)
                    } else {
                        unknown(inner, path, Schema.all.map(\.path))
                    }
                }
            } else {
                let tops = Set(Schema.all.compactMap { $0.path.split(separator: ".").first.map(String.init) })
                unknown(key, name, tops.union(["providers", "prices"]).sorted())
            }
        }
    }

    private mutating func read(_ setting: Setting, _ node: Node) {
        if case .words(let path, let allowed) = setting.kind {
            guard let list = node.sequence else {
                fault(node, "\(setting.path) must be a list", "for example: \(setting.path): [\(allowed[0])]")
                return
            }
            var words: [String] = []
            for item in list {
                guard let word = item.string, allowed.contains(word) else {
                    fault(item, "\(setting.path) does not know \"\(item.string ?? "")\"", "one of: \(allowed.joined(separator: ", "))")
                    continue
                }
                words.append(word)
            }
            settings[keyPath: path] = words
            return
        }
        guard let text = node.scalar?.string else {
            fault(node, "\(setting.path) must be a single value", "type: \(setting.typeText)")
            return
        }
        if let problem = set(setting, text) { fault(node, problem, "type: \(setting.typeText)") }
    }

    /// Sets a scalar; gives what is wrong with it, or nil.
    private mutating func set(_ setting: Setting, _ text: String) -> String? {
        switch setting.kind {
        case .text(let path): settings[keyPath: path] = text
        case .optionalText(let path): settings[keyPath: path] = text
        case .choice(let path, let choices):
            guard choices.contains(text) else { return "\(setting.path) cannot be \"\(text)\"" }
            settings[keyPath: path] = text
        case .number(let path, let range):
            guard let number = Int(text.filter { $0 != "_" }), range.contains(number) else {
                return "\(setting.path) cannot be \"\(text)\""
            }
            settings[keyPath: path] = number
        case .words(let path, let allowed):
            let words = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            if let odd = words.first(where: { !allowed.contains($0) }) { return "\(setting.path) does not know \"\(odd)\"" }
            settings[keyPath: path] = words
        }
        return nil
    }

    private mutating func readEnvironment() {
        for setting in Schema.all {
            guard let text = environment[setting.environment] else { continue }
            if let problem = set(setting, text) {
                faults.append(
                    ConfigurationFault(
                        file: "environment", line: 0, column: 0, message: "\(setting.environment): \(problem)",
                        mend: "type: \(setting.typeText)"))
            }
        }
        guard settings.providers.isEmpty, faults.isEmpty else { return }
        do throws(ProviderError) {
            settings.providers = try providersFromEnvironment(environment)
        } catch {
            faults.append(
                ConfigurationFault(
                    file: "environment", line: 0, column: 0, message: "\(error.setting): \(error.message)",
                    mend: "correct or unset the variable"))
        }
    }

    private mutating func finish() {
        if settings.listenAddress == nil {
            fault(nil, "listen must be host:port, not \"\(settings.listen)\"", "for example: listen: 127.0.0.1:8787")
        }
        if (settings.tlsCertificate == nil) != (settings.tlsPrivateKey == nil) {
            fault(nil, "tls.certificate and tls.private_key go together", "set both or neither")
        }
    }

    // MARK: Faults

    mutating func fault(_ node: Node?, _ message: String, _ mend: String) {
        faults.append(
            ConfigurationFault(
                file: file, line: node?.mark?.line ?? 0, column: node?.mark?.column ?? 0, message: message, mend: mend))
    }

    mutating func unknown(_ node: Node, _ name: String, _ known: [String]) {
        let near = known.map { ($0, editDistance(name, $0)) }.min { $0.1 < $1.1 }
        let hint = near.flatMap { $0.1 <= 3 ? "did you mean \"\($0.0)\"?" : nil }
        fault(node, "there is no setting \"\(name)\"", hint ?? "settings are listed in docs/configuration.md")
    }

    // MARK: Lists

    private mutating func readProviders(_ node: Node) {
        guard let list = node.sequence else {
            fault(node, "providers must be a list", "- name: openai\n    kind: openai\n    api_key: ${OPENAI_API_KEY}")
            return
        }
        var names: Set<String> = []
        for item in list {
            guard let provider = readProvider(item) else { continue }
            if !names.insert(provider.name).inserted {
                fault(item, "there are two providers named \"\(provider.name)\"", "give each a name of its own")
            }
            settings.providers.append(provider)
        }
    }

    private static let providerMembers = [
        "name", "kind", "base_url", "api_key", "models", "aliases", "allow_private_addresses", "price_provider",
        "trust_roots", "hang_up", "dialects",
    ]

    private mutating func readProvider(_ node: Node) -> Provider? {
        let before = faults.count
        guard let mapping = node.mapping else {
            fault(node, "a provider must be a mapping", "name, kind, base_url, api_key, …")
            return nil
        }
        for (key, _) in mapping where !Self.providerMembers.contains(key.string ?? "") {
            unknown(key, key.string ?? "", Self.providerMembers)
        }
        guard let kindText = mapping["kind"]?.string, let kind = ProviderKind(rawValue: kindText) else {
            fault(
                mapping["kind"] ?? node, "a provider needs a kind",
                "one of: \(ProviderKind.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        var specification = ProviderSpecification(name: mapping["name"]?.string ?? kindText, kind: kind)
        specification.baseURL = mapping["base_url"].flatMap { $0.string }.map(substituted)
        if let secret = mapping["api_key"] { specification.credential = readSecret(secret) }
        specification.models = mapping["models"]?.sequence?.compactMap(\.string)
        for (key, value) in mapping["aliases"]?.mapping ?? [:] {
            if let name = key.string, let model = value.string { specification.aliases[name] = model }
        }
        specification.allowsPrivateAddresses = mapping["allow_private_addresses"]?.bool
        specification.priceProvider = mapping["price_provider"]?.string
        specification.trustRootsFile = mapping["trust_roots"]?.string
        specification.hangUp = mapping["hang_up"]?.string.flatMap(HangUpPolicy.init(rawValue:))
        if let dialects = mapping["dialects"]?.sequence {
            let known = dialects.compactMap { $0.string.flatMap(Dialect.init(rawValue:)) }
            if known.count != dialects.count {
                fault(
                    mapping["dialects"], "dialects holds one that is not known",
                    "of: \(Dialect.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            specification.dialects = Set(known)
        }
        guard faults.count == before else { return nil }
        do throws(ProviderError) {
            return try makeProvider(specification)
        } catch {
            fault(mapping[error.setting] ?? node, error.message, "see \(error.setting) in docs/configuration.md")
            return nil
        }
    }

    /// `${NAME}` or `file:PATH`; a secret in clear is a fault.
    private mutating func readSecret(_ node: Node) -> String? {
        guard let text = node.string else { return nil }
        if text.hasPrefix("${"), text.hasSuffix("}") {
            let name = String(text.dropFirst(2).dropLast())
            guard let value = environment[name], !value.isEmpty else {
                fault(node, "the environment variable \(name) is not set", "export \(name)=…")
                return nil
            }
            return value
        }
        if text.hasPrefix("file:") {
            let path = String(text.dropFirst(5))
            guard let data = FileManager.default.contents(atPath: path) else {
                fault(node, "the file \(path) cannot be read", "check its path and owner")
                return nil
            }
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        fault(node, "a secret may not stand in the file", "api_key: ${NAME}, or api_key: file:/path")
        return nil
    }

    private func substituted(_ text: String) -> String {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return text }
        return environment[String(text.dropFirst(2).dropLast())] ?? text
    }

    private mutating func readPrices(_ node: Node) {
        guard let list = node.sequence else {
            fault(node, "prices must be a list", "- provider: vllm\n    model: llama\n    input: 0.2\n    output: 0.8")
            return
        }
        for item in list { readPrice(item) }
    }

    private mutating func readPrice(_ node: Node) {
        guard let mapping = node.mapping else {
            fault(node, "a price must be a mapping", "provider, model, input, output, … in USD per million tokens")
            return
        }
        guard let provider = mapping["provider"]?.string, let model = mapping["model"]?.string else {
            fault(node, "a price needs provider and model", "provider: vllm\n  model: llama-4")
            return
        }
        let others = ["provider", "model", "context_over", "service_tier", "speed", "geo", "valid_from", "valid_to"]
        var time: [String: Timestamp] = [:]
        for name in ["valid_from", "valid_to"] {
            guard let value = mapping[name] else { continue }
            time[name] = value.scalar.flatMap { Timestamp(rfc3339: $0.string) }
            if time[name] == nil { fault(value, "\(name) is no date", "for example 2026-11-24 or 2026-11-24T00:00:00Z") }
        }
        for (key, value) in mapping {
            let name = key.string ?? ""
            if others.contains(name) { continue }
            guard let meter = Meter(rawValue: name) else {
                unknown(key, name, others + Meter.allCases.map(\.rawValue))
                continue
            }
            guard let amount = value.scalar.flatMap({ nanoUSDPerMillion($0.string) }) else {
                fault(value, "\(name) is no price", "a decimal number in USD per million tokens (web_search: per thousand calls)")
                continue
            }
            settings.prices.append(
                PriceRow(
                    provider: provider, model: model, meter: meter, price: amount,
                    contextOver: mapping["context_over"]?.int.map(Int64.init), serviceTier: mapping["service_tier"]?.string,
                    speed: mapping["speed"]?.string, geo: mapping["geo"]?.string, validFrom: time["valid_from"],
                    validTo: time["valid_to"], source: "config"))
        }
    }
}
