// ConfigurationReader+Providers: the list of providers. A member of the wrong type is a fault, never taken for a missing one.

import Foundation
import GatewayModel
import Providers
import Yams

extension ConfigurationReader {
    mutating func readProviders(_ node: Node) {
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
        "trust_roots", "hang_up", "dialects", "price_models", "api_version", "project", "location", "token_url", "reasoning_echo",
        "region", "access_key_id", "secret_access_key", "session_token", "api_keys", "credential_source", "tenant_id", "client_id",
        "client_secret", "token_scope", "role_arn", "token_file", "health",
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
        let kinds = ProviderKind.allCases.map(\.rawValue)
        guard let kindText = word(mapping, "kind", of: kinds) else {
            if mapping["kind"] == nil {
                fault(node, "a provider needs a kind", "one of: \(kinds.joined(separator: ", "))")
            }
            return nil
        }
        let kind = ProviderKind(rawValue: kindText)
        var specification = ProviderSpecification(name: text(mapping, "name") ?? kindText, kind: kind)
        specification.baseURL = text(mapping, "base_url").map(substituted)
        if let secret = mapping["api_key"] { specification.credential = readSecret(secret) }
        if let list = mapping["api_keys"] { readCredentials(list, mapping, into: &specification) }
        specification.region = text(mapping, "region").map(substituted)
        specification.accessKeyID = text(mapping, "access_key_id").map(substituted)
        if let secret = mapping["secret_access_key"] { specification.secretAccessKey = readSecret(secret) }
        if let secret = mapping["session_token"] { specification.sessionToken = readSecret(secret) }
        readSource(mapping, into: &specification)
        specification.models = texts(mapping, "models")
        if let node = mapping["aliases"] { specification.aliases = readNames(node, "aliases", "fast: gpt-6.1-sol") }
        if let node = mapping["price_models"] {
            specification.priceModels = readNames(node, "price_models", "my-deployment: gpt-6.1-sol")
        }
        specification.allowsPrivateAddresses = truth(mapping, "allow_private_addresses")
        specification.priceProvider = text(mapping, "price_provider")
        specification.apiVersion = text(mapping, "api_version")
        specification.project = text(mapping, "project")
        specification.location = text(mapping, "location")
        specification.tokenURL = text(mapping, "token_url")
        specification.echoesReasoning = texts(mapping, "reasoning_echo")
        specification.trustRootsFile = text(mapping, "trust_roots")
        specification.hangUp = word(mapping, "hang_up", of: ["cancel", "drain"]).flatMap(HangUpPolicy.init(rawValue:))
        if let dialects = texts(mapping, "dialects") {
            let known = dialects.compactMap(Dialect.init(rawValue:))
            if known.count != dialects.count || known.isEmpty {
                fault(
                    mapping["dialects"], "dialects holds one that is not known",
                    "of: \(Dialect.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            specification.dialects = Set(known)
        }
        let health = mapping["health"].flatMap { readHealth($0) }
        guard faults.count == before else { return nil }
        do throws(ProviderError) {
            var made = try makeProvider(specification)
            made.health = health
            return made
        } catch {
            fault(mapping[error.setting] ?? node, error.message, "see \(error.setting) in docs/configuration.md")
            return nil
        }
    }

    /// A credential that is fetched: from what, and as whom.
    private mutating func readSource(_ mapping: Node.Mapping, into specification: inout ProviderSpecification) {
        specification.credentialSource = word(mapping, "credential_source", of: CredentialSource.allCases.map(\.rawValue))
            .flatMap(CredentialSource.init(rawValue:))
        specification.tenantID = text(mapping, "tenant_id").map(substituted)
        specification.clientID = text(mapping, "client_id").map(substituted)
        if let secret = mapping["client_secret"] { specification.clientSecret = readSecret(secret) }
        specification.tokenScope = text(mapping, "token_scope")
        specification.roleARN = text(mapping, "role_arn").map(substituted)
        specification.tokenFile = text(mapping, "token_file").map(substituted)
        specification.roleEnvironment = environment.filter {
            ["AWS_CONTAINER_", "AWS_ROLE_", "AWS_WEB_"].contains(where: $0.key.hasPrefix)
        }
    }

    /// A mapping from names to names.
    private mutating func readNames(_ node: Node, _ member: String, _ example: String) -> [String: String] {
        guard let mapping = node.mapping else {
            fault(node, "\(member) must be a mapping", "\(member):\n  \(example)")
            return [:]
        }
        var names: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.string, let model = value.string, !name.isEmpty, !model.isEmpty else {
                fault(value, "\(member) must name one model each", example)
                continue
            }
            names[name] = model
        }
        return names
    }

    /// A list of `key`, `weight`, `name`.
    private mutating func readCredentials(
        _ node: Node, _ provider: Node.Mapping, into specification: inout ProviderSpecification
    ) {
        guard let list = node.sequence, (1...64).contains(list.count), provider["api_key"] == nil else {
            fault(node, "api_keys is a list of 1 to 64 credentials, in the place of api_key", "- key: ${OPENAI_API_KEY}\n    weight: 2")
            return
        }
        for (index, item) in list.enumerated() {
            guard let mapping = item.mapping, let key = mapping["key"], let secret = readSecret(key) else {
                if item.mapping?["key"] == nil { fault(item, "a credential needs a key", "key: ${NAME}, or key: file:/path") }
                continue
            }
            for (name, _) in mapping where !["key", "weight", "name"].contains(name.string ?? "") {
                unknown(name, name.string ?? "", ["key", "weight", "name"])
            }
            let weight = mapping["weight"].map { $0.scalar.flatMap { Int64($0.string) } ?? 0 } ?? 1
            if !(1...1_000_000).contains(weight) { fault(item, "weight must be 1 to 1000000", "weight: 1") }
            let name = text(mapping, "name") ?? "key\(index + 1)"
            if specification.credentials.contains(where: { $0.name == name }) {
                fault(item, "there are two credentials named \"\(name)\"", "give each a name of its own")
            }
            specification.credentials.append(ProviderCredential(name: name, secret: secret, weight: weight))
        }
        specification.credential = specification.credentials.first?.secret
    }

    /// `${NAME}` or `file:PATH`; a secret in clear is a fault.
    mutating func readSecret(_ node: Node) -> String? {
        let text = node.string ?? ""
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
            let secret = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if secret.isEmpty { fault(node, "the file \(path) is empty", "write the credential into it") }
            return secret
        }
        fault(node, "a secret may not stand in the file", "api_key: ${NAME}, or api_key: file:/path")
        return nil
    }

    private func substituted(_ text: String) -> String {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return text }
        return environment[String(text.dropFirst(2).dropLast())] ?? text
    }

    // MARK: Members

    /// A member that is one value, not empty; nil without it.
    mutating func text(_ mapping: Node.Mapping, _ name: String) -> String? {
        guard let node = mapping[name] else { return nil }
        guard let text = node.scalar?.string, !text.isEmpty else {
            fault(node, "\(name) must be a single value", "\(name): …")
            return nil
        }
        return text
    }

    mutating func texts(_ mapping: Node.Mapping, _ name: String) -> [String]? {
        guard let node = mapping[name] else { return nil }
        guard let list = node.sequence else {
            fault(node, "\(name) must be a list", "\(name): [\(node.string ?? "…")]")
            return nil
        }
        let texts = list.compactMap(\.string).filter { !$0.isEmpty }
        if texts.count != list.count { fault(node, "\(name) must be a list of single values", "\(name): [a, b]") }
        return texts
    }

    mutating func word(_ mapping: Node.Mapping, _ name: String, of words: [String]) -> String? {
        guard let node = mapping[name] else { return nil }
        guard let word = node.string, words.contains(word) else {
            fault(node, "\(name) cannot be \"\(node.string ?? "")\"", "one of: \(words.joined(separator: ", "))")
            return nil
        }
        return word
    }

    private mutating func truth(_ mapping: Node.Mapping, _ name: String) -> Bool? {
        guard let node = mapping[name] else { return nil }
        if node.bool == nil { fault(node, "\(name) must be true or false", "\(name): true") }
        return node.bool
    }
}
