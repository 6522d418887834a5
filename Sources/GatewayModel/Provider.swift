// Provider: an account at an endpoint with a credential, and the models that it serves.

/// The kinds of provider this build knows, each a value in its own folder of `Providers`.
package enum ProviderKind: String, Sendable, Codable, CaseIterable {
    case openAI = "openai"
    case anthropic
    case openAICompatible = "openai-compatible"
    case anthropicCompatible = "anthropic-compatible"
    case bedrock
    case bedrockMantle = "bedrock-mantle"
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

/// What signs the requests to a service of AWS's (SigV4). The secret never goes anywhere.
package struct AWSAccess: Sendable, Hashable {
    package var accessKeyID: String
    package var secretAccessKey: String
    /// Of temporary credentials.
    package var sessionToken: String?
    package var region: String
    /// The service's name in signatures: `bedrock`.
    package var service: String

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String?, region: String, service: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.region = region
        self.service = service
    }
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
    /// Signs each request in place of a credential that goes with it.
    package var aws: AWSAccess?

    package init(
        name: String, kind: ProviderKind, origin: Origin, basePath: String, credentialHeader: CredentialHeader,
        credential: String, dialects: Set<Dialect>, models: [String], aliases: [String: String] = [:],
        allowsPrivateAddresses: Bool = false, priceProvider: String? = nil, trustRootsFile: String? = nil,
        hangUp: HangUpPolicy = .cancel, aws: AWSAccess? = nil
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
        self.aws = aws
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
