// Vertex: Google's and Anthropic's models in a project of Google Cloud (protocols.md, section 5). The base URL follows from the location.

import GatewayModel
import WireFormat

extension ProviderPreset {
    static let vertex = ProviderPreset(
        kind: "vertex", baseURL: nil, credentialHeader: .accessToken, credentialEnvironment: nil, baseURLEnvironment: nil,
        dialects: [.anthropicMessages, .gemini], models: ["gemini-*", "claude-*"], priceProvider: "vertex",
        allowsPrivateAddresses: false, hangUp: .cancel, traits: ProviderTraits(layout: .vertex))
}

/// The host that serves a location (protocols.md, section 5).
func vertexHost(_ location: String) -> String {
    switch location {
    case "global": "aiplatform.googleapis.com"
    case "us", "eu": "aiplatform.\(location).rep.googleapis.com"
    default: "\(location)-aiplatform.googleapis.com"
    }
}

/// Where a project's models are: the host, and the path below the version.
func vertexPlace(_ specification: ProviderSpecification) throws(ProviderError) -> (host: String, path: String) {
    func named(_ value: String?, _ setting: String) throws(ProviderError) -> String {
        let isGood: (UInt8) -> Bool = { $0 >= 97 && $0 <= 122 || $0 >= 48 && $0 <= 57 || $0 == 45 || $0 == 46 || $0 == 58 }
        guard let value, (1...63).contains(value.utf8.count), value.utf8.allSatisfy(isGood) else {
            throw ProviderError(setting: setting, message: "a provider of kind vertex needs a \(setting), as Google Cloud names it")
        }
        return value
    }
    let project = try named(specification.project, "project")
    let location = try named(specification.location, "location")
    return (vertexHost(location), "/projects/\(project)/locations/\(location)")
}

/// The geography that prices a turn there.
func vertexPriceGeo(_ location: String) -> String? {
    ["global", "us", "eu"].contains(location) ? nil : VertexPrices.regional
}

/// From a service account's JSON file, or from the metadata server that `token_url` names.
func googleTokenSource(_ specification: ProviderSpecification, allowsPrivate: Bool) throws(ProviderError) -> AccessTokenSource {
    func checked(_ url: String) throws(ProviderError) -> String {
        let isMetadata = url.hasPrefix("http://metadata.google.internal/") || url.hasPrefix("http://169.254.169.254/")
        guard url.hasPrefix("https://") || isMetadata || allowsPrivate && url.hasPrefix("http://") else {
            throw ProviderError(setting: "token_url", message: "it must begin with https://, or be the metadata server's")
        }
        guard url.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw ProviderError(setting: "token_url", message: "the URL holds a character that it may not")
        }
        return url
    }
    guard let json = specification.credential, !json.isEmpty else {
        guard let url = specification.tokenURL else {
            throw ProviderError(
                setting: "api_key",
                message: "a provider of kind vertex needs api_key: file:SERVICE-ACCOUNT.json, or the token_url of a metadata server")
        }
        return .metadata(url: try checked(url))
    }
    let account = Array(json.utf8).withUnsafeBytes { bytes -> (email: String?, key: String?, id: String?, url: String?)? in
        guard let object = JSONObjectView(bytes) else { return nil }
        return (
            object["client_email"]?.string, object["private_key"]?.string, object["private_key_id"]?.string, object["token_uri"]?.string
        )
    }
    guard let account, let email = account.email, let key = account.key else {
        throw ProviderError(setting: "api_key", message: "this is no service account's JSON file: client_email or private_key is missing")
    }
    return .serviceAccount(
        email: email, privateKeyPEM: key, keyID: account.id,
        tokenURL: try checked(specification.tokenURL ?? account.url ?? "https://oauth2.googleapis.com/token"))
}

extension Provider {
    /// Whether a model of Vertex is asked in this dialect: each publisher's models speak their maker's.
    func isVertexDialect(_ dialect: Dialect, of model: String) -> Bool {
        dialect == (model.hasPrefix("claude") ? .anthropicMessages : .gemini)
    }
}
