// MakeProvider: from configuration to a provider, with the base URL read strictly: it decides where a credential goes.

package import GatewayModel

/// Why a provider cannot be made. The message names the setting.
package struct ProviderError: Error, Sendable, Hashable {
    package var setting: String
    package var message: String
}

/// What a configuration says of a provider; nil takes the kind's default.
package struct ProviderSpecification: Sendable, Hashable {
    package var name: String
    package var kind: ProviderKind
    package var baseURL: String?
    package var credential: String?
    package var models: [String]?
    package var aliases: [String: String] = [:]
    package var dialects: Set<Dialect>?
    package var allowsPrivateAddresses: Bool?
    package var priceProvider: String?
    package var priceModels: [String: String] = [:]
    /// Azure's dated version.
    package var apiVersion: String?
    /// Google Cloud's project and location, and where its tokens come from.
    package var project: String?
    package var location: String?
    package var tokenURL: String?
    /// Models, or patterns with a trailing `*`, that want their reasoning back.
    package var echoesReasoning: [String]?
    package var trustRootsFile: String?
    package var hangUp: HangUpPolicy?
    /// Where there are several; the first is `credential`.
    package var credentials: [ProviderCredential] = []
    package var region: String?
    package var accessKeyID: String?
    package var secretAccessKey: String?
    package var sessionToken: String?
    /// What the credential is fetched from, in place of one that is written down.
    package var credentialSource: CredentialSource?
    /// Microsoft Entra's application, or which of a machine's identities.
    package var tenantID: String?
    package var clientID: String?
    package var clientSecret: String?
    package var tokenScope: String?
    /// The role that a web identity takes, and the file that proves it.
    package var roleARN: String?
    package var tokenFile: String?
    /// What AWS sets in the environment of containers that have a role.
    package var roleEnvironment: [String: String] = [:]

    package init(name: String, kind: ProviderKind) {
        self.name = name
        self.kind = kind
    }
}

/// Makes a provider. Throws when its name, URL or credential cannot be used.
package func makeProvider(_ specification: ProviderSpecification) throws(ProviderError) -> Provider {
    let preset = specification.kind.preset
    let name = specification.name
    guard (1...63).contains(name.utf8.count), name.utf8.allSatisfy({ isNameByte($0) }) else {
        throw ProviderError(setting: "name", message: "a provider's name is 1 to 63 of a-z, 0-9, - and _")
    }
    let isVertex = preset.traits.layout == .vertex
    let place = isVertex ? try vertexPlace(specification) : nil
    let ownURL = specification.baseURL == nil ? try regionalURL(preset, specification.region) : nil
    guard let baseURL = specification.baseURL ?? place.map({ "https://\($0.host)" }) ?? ownURL else {
        throw ProviderError(
            setting: "base_url", message: "a provider of kind \(specification.kind.rawValue) needs a base_url")
    }
    let allowsPrivate = specification.allowsPrivateAddresses ?? preset.allowsPrivateAddresses
    var (origin, path) = try parseBaseURL(baseURL)
    if let place { path += path.isEmpty ? "/v1\(place.path)" : place.path }
    guard origin.isTLS || allowsPrivate else {
        throw ProviderError(
            setting: "base_url",
            message:
                "http:// would send the credential in clear; use https://, or set allow_private_addresses for a local server"
        )
    }
    var traits = preset.traits
    if preset.kind == ProviderPreset.azureOpenAI.kind {
        if let version = specification.apiVersion {
            guard version.utf8.allSatisfy({ isNameByte($0) }) else {
                throw ProviderError(setting: "api_version", message: "an api_version is like 2026-01-01-preview")
            }
            traits.layout = .azureDeployments
            traits.apiVersion = version
        }
        if path.isEmpty { path = traits.apiVersion == nil ? "/openai/v1" : "/openai" }
    } else if specification.apiVersion != nil {
        throw ProviderError(setting: "api_version", message: "only providers of kind azure-openai have an api_version")
    }
    if let location = specification.location, isVertex { traits.priceGeo = vertexPriceGeo(location) }
    if let models = specification.echoesReasoning { traits.echoesReasoning = models }
    let tokenSource =
        isVertex
        ? try googleTokenSource(specification, allowsPrivate: allowsPrivate)
        : try credentialSource(specification, preset, allowsPrivate: allowsPrivate)
    let credential = isVertex ? "" : specification.credential ?? ""
    guard ([credential] + specification.credentials.map(\.secret)).allSatisfy({ $0.utf8.allSatisfy { $0 > 32 && $0 < 127 } }) else {
        throw ProviderError(setting: "api_key", message: "the credential holds a space or a control character")
    }
    if let models = specification.models, models.isEmpty {
        throw ProviderError(setting: "models", message: "the list is empty; leave it out or name a model")
    }
    let aws = try awsAccess(specification, preset, host: origin.host)
    var provider = Provider(
        name: name, kind: specification.kind, origin: origin, basePath: path,
        credentialHeader: tokenSource?.isToken == true ? .accessToken : credential.isEmpty ? .none : preset.credentialHeader,
        credential: credential,
        dialects: specification.dialects ?? preset.dialects, models: specification.models ?? preset.models,
        aliases: specification.aliases, allowsPrivateAddresses: allowsPrivate,
        priceProvider: specification.priceProvider ?? preset.priceProvider,
        trustRootsFile: specification.trustRootsFile,
        hangUp: specification.hangUp ?? preset.hangUp, aws: aws)
    provider.credentials = specification.credentials
    provider.priceModels = specification.priceModels
    provider.traits = traits
    provider.tokenSource = tokenSource
    return provider
}

private func isNameByte(_ byte: UInt8) -> Bool {
    byte >= 97 && byte <= 122 || byte >= 48 && byte <= 57 || byte == 45 || byte == 95
}

/// `https://host[:port][/path]` and nothing more: no user, no query, no fragment, no odd character.
package func parseBaseURL(_ text: String) throws(ProviderError) -> (Origin, String) {
    // What stands before an @ may be a password, and faults go to the log.
    let shown = text.lastIndex(of: "@").map { "…\(text[$0...])" } ?? text
    func fail(_ message: String) -> ProviderError {
        ProviderError(setting: "base_url", message: "\(message): \(shown.prefix(100))")
    }
    let scheme: String
    var rest: Substring
    if text.lowercased().hasPrefix("https://") {
        (scheme, rest) = ("https", text.dropFirst(8))
    } else if text.lowercased().hasPrefix("http://") {
        (scheme, rest) = ("http", text.dropFirst(7))
    } else {
        throw fail("the URL must begin with https:// or http://")
    }
    guard rest.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 92 && $0 != 37 }) else {
        throw fail("the URL holds a character that it may not")
    }
    guard !rest.contains("@"), !rest.contains("?"), !rest.contains("#") else {
        throw fail("the URL may hold no user, query or fragment")
    }
    var path = ""
    if let slash = rest.firstIndex(of: "/") {
        path = String(rest[slash...])
        rest = rest[..<slash]
    }
    while path.hasSuffix("/") { path.removeLast() }
    guard
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().allSatisfy({
            !$0.isEmpty && $0 != "." && $0 != ".."
        })
    else { throw fail("the path may hold no empty or dotted part") }
    var host = String(rest)
    var port = scheme == "https" ? 443 : 80
    if host.hasPrefix("[") {
        guard let close = host.firstIndex(of: "]") else { throw fail("the IPv6 address is not closed") }
        let after = host[host.index(after: close)...]
        if !after.isEmpty {
            guard after.hasPrefix(":"), let given = portNumber(after.dropFirst()) else {
                throw fail("the port is wrong")
            }
            port = given
        }
        host = String(host[host.index(after: host.startIndex)..<close])
        guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
            throw fail("what stands in brackets is no IPv6 address")
        }
    } else if let colon = host.firstIndex(of: ":") {
        guard let given = portNumber(host[host.index(after: colon)...]) else { throw fail("the port is wrong") }
        port = given
        host = String(host[..<colon])
    }
    guard !host.isEmpty, host.utf8.count <= 253,
        host.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-._:".contains($0)) })
    else { throw fail("the host name is wrong") }
    return (Origin(scheme: scheme, host: host.lowercased(), port: port), path)
}

/// Digits alone: `Int` would take a sign too.
private func portNumber(_ text: Substring) -> Int? {
    guard text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let port = UInt16(text), port > 0 else { return nil }
    return Int(port)
}

/// The providers that the usual environment variables describe.
package func providersFromEnvironment(_ environment: [String: String]) throws(ProviderError) -> [Provider] {
    var providers: [Provider] = []
    for preset in providerRegistry {
        if preset.kind == .bedrock {
            if let provider = try bedrockFromEnvironment(environment) { providers.append(provider) }
            continue
        }
        let credential = preset.credentialEnvironment.flatMap { environment[$0] }.flatMap { $0.isEmpty ? nil : $0 }
        let url = preset.baseURLEnvironment.flatMap { environment[$0] }.flatMap { $0.isEmpty ? nil : $0 }
        let isNamed = preset.baseURL == nil || preset.credentialEnvironment == nil ? url != nil : credential != nil
        guard isNamed, preset.credentialEnvironment != nil || preset.baseURLEnvironment != nil else { continue }
        var specification = ProviderSpecification(name: preset.kind.rawValue, kind: preset.kind)
        specification.credential = credential
        if preset.kind == ProviderPreset.azureOpenAI.kind { specification.apiVersion = environment["OPENAI_API_VERSION"] }
        specification.baseURL = url.map { preset.kind == ProviderPreset.ollama.kind ? ollamaURL($0) : $0 }
        do throws(ProviderError) {
            providers.append(try makeProvider(specification))
        } catch {
            // Here a setting has the variable's name.
            let variable = error.setting == "base_url" ? preset.baseURLEnvironment : preset.credentialEnvironment
            throw ProviderError(setting: variable ?? error.setting, message: error.message)
        }
    }
    return providers
}

/// OLLAMA_HOST is `host:port` or a URL, without the path.
private func ollamaURL(_ host: String) -> String {
    let url = host.contains("://") ? host : "http://\(host)"
    return url.hasSuffix("/v1") ? url : url + "/v1"
}
