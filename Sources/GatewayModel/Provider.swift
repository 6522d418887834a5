// Provider: an account at an endpoint with a credential, and the models that it serves.

/// The kinds of provider this build knows, each a value in its own folder of `Providers`.
package enum ProviderKind: String, Sendable, Codable, CaseIterable {
    case openAI = "openai"
    case anthropic
    case openAICompatible = "openai-compatible"
    case anthropicCompatible = "anthropic-compatible"
    case ollama
    case vllm
    case openRouter = "openrouter"
    case simulated
}

/// Where a provider listens. The credential is bound to this origin.
package struct Origin: Sendable, Hashable, Codable {
    /// `https` or `http`.
    package var scheme: String
    package var host: String
    package var port: Int

    package init(scheme: String, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    package var isTLS: Bool { scheme == "https" }
}

/// How the credential goes upstream.
package enum CredentialHeader: String, Sendable, Codable {
    /// `Authorization: Bearer …`
    case bearer
    /// `x-api-key: …`
    case apiKey = "x-api-key"
    /// No credential (a local server).
    case none
}

/// One of several credentials of a provider. A secret: it prints without it.
package struct ProviderCredential: Sendable, Hashable, CustomStringConvertible {
    /// What it is called in records and lists.
    package var name: String
    package var secret: String
    package var weight: Int64

    package init(name: String, secret: String, weight: Int64 = 1) {
        self.name = name
        self.secret = secret
        self.weight = weight
    }

    package var description: String { name }
}

/// A configured provider. The credential is a secret: this type is not `Codable` and prints without it.
package struct Provider: Sendable, Hashable, CustomStringConvertible {
    package var name: String
    package var kind: ProviderKind
    package var origin: Origin
    /// The path before the dialect's own, without a trailing slash: `` or `/v1` or `/api/v1`.
    package var basePath: String
    package var credentialHeader: CredentialHeader
    package var credential: String
    /// The dialects that it speaks natively.
    package var dialects: Set<Dialect>
    /// Model ids or patterns with a trailing `*` that it serves.
    package var models: [String]
    /// Client model name to upstream model id.
    package var aliases: [String: String]
    /// Whether it may resolve to a private, loopback or link-local address.
    package var allowsPrivateAddresses: Bool
    /// The catalogue provider whose price rows apply; nil when prices are configured or there are none.
    package var priceProvider: String?
    /// PEM file of extra roots for its TLS certificate.
    package var trustRootsFile: String?
    /// What a client's hang-up does upstream.
    package var hangUp: HangUpPolicy
    /// All credentials, where there are several; the first one is `credential`.
    package var credentials: [ProviderCredential] = []

    package init(
        name: String, kind: ProviderKind, origin: Origin, basePath: String, credentialHeader: CredentialHeader,
        credential: String, dialects: Set<Dialect>, models: [String], aliases: [String: String] = [:],
        allowsPrivateAddresses: Bool = false, priceProvider: String? = nil, trustRootsFile: String? = nil,
        hangUp: HangUpPolicy = .cancel
    ) {
        self.name = name
        self.kind = kind
        self.origin = origin
        self.basePath = basePath
        self.credentialHeader = credentialHeader
        self.credential = credential
        self.dialects = dialects
        self.models = models
        self.aliases = aliases
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.priceProvider = priceProvider
        self.trustRootsFile = trustRootsFile
        self.hangUp = hangUp
    }

    /// Every credential, at least one.
    package var allCredentials: [ProviderCredential] {
        credentials.isEmpty ? [ProviderCredential(name: "api_key", secret: credential)] : credentials
    }

    package var description: String {
        "\(name) (\(kind.rawValue), \(origin.scheme)://\(origin.host):\(origin.port)\(basePath))"
    }
}

/// What happens upstream when the client hangs up (`protocols.md`, section 10: providers bill differently).
package enum HangUpPolicy: String, Sendable, Codable {
    /// Close the upstream connection and estimate what was billed.
    case cancel
    /// Read the upstream to its end, since the provider bills in full anyway, then settle exactly.
    case drain
}
