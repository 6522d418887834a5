// Provider: an account at an endpoint with a credential, and the models that it serves.

/// A kind of provider: what its preset in `Providers` is named. A new kind is a value there and one line of its registry.
package struct ProviderKind: RawRepresentable, Sendable, Hashable, Codable, ExpressibleByStringLiteral {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(stringLiteral value: String) { rawValue = value }

    package static let anthropic: ProviderKind = "anthropic"
    package static let anthropicCompatible: ProviderKind = "anthropic-compatible"
    package static let bedrock: ProviderKind = "bedrock"
    package static let bedrockMantle: ProviderKind = "bedrock-mantle"
    package static let ollama: ProviderKind = "ollama"
    package static let openAI: ProviderKind = "openai"
    package static let openAICompatible: ProviderKind = "openai-compatible"
    package static let openRouter: ProviderKind = "openrouter"
    package static let simulated: ProviderKind = "simulated"
    package static let vllm: ProviderKind = "vllm"
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
    /// `x-goog-api-key: …`
    case googleAPIKey = "x-goog-api-key"
    /// `api-key: …`
    case azureAPIKey = "api-key"
    /// `Authorization: Bearer …` with a token that is fetched and renewed.
    case accessToken = "access-token"
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

/// An access key of AWS's. A secret: it is not `Codable` and is never printed.
package struct AWSKeys: Sendable, Hashable {
    package var accessKeyID: String
    package var secretAccessKey: String
    /// Of temporary credentials.
    package var sessionToken: String?

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String?) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

/// What signs the requests to a service of AWS's (SigV4). The secret never goes anywhere.
package struct AWSAccess: Sendable, Hashable {
    /// The configured ones; nil where the provider's `tokenSource` gives temporary ones.
    package var keys: AWSKeys?
    package var region: String
    /// The service's name in signatures: `bedrock`.
    package var service: String

    package init(keys: AWSKeys?, region: String, service: String) {
        self.keys = keys
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
    /// Upstream model id to the model whose price rows apply, where the id hides it: a deployment's name, an ARN.
    package var priceModels: [String: String] = [:]
    /// How its server departs from the dialect that it speaks.
    package var traits = ProviderTraits()
    /// Where its credential comes from, when that is one that is fetched and renewed: a token, or AWS's temporary keys.
    package var tokenSource: AccessTokenSource?
    /// PEM file of extra roots for its TLS certificate.
    package var trustRootsFile: String?
    /// What a client's hang-up does upstream.
    package var hangUp: HangUpPolicy
    /// All credentials, where there are several; the first one is `credential`.
    package var credentials: [ProviderCredential] = []
    /// Signs each request in place of a credential that goes with it.
    package var aws: AWSAccess?
    /// Asks it whether it is well, where an operator wants that.
    package var health: HealthRule?

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

    /// Every credential, at least one.
    package var allCredentials: [ProviderCredential] {
        credentials.isEmpty ? [ProviderCredential(name: "api_key", secret: credential)] : credentials
    }

    package var description: String {
        "\(name) (\(kind.rawValue), \(origin.scheme)://\(origin.host):\(origin.port)\(basePath))"
    }
}

/// Where access tokens come from. It holds secrets: it is not `Codable` and is never printed.
package enum AccessTokenSource: Sendable, Hashable {
    /// A service account's key signs a grant, which the token endpoint changes for a token (RFC 7523).
    case serviceAccount(email: String, privateKeyPEM: String, keyID: String?, tokenURL: String)
    /// The metadata server of the machine that Weir runs on gives one to whoever asks.
    case metadata(url: String)
    /// An application of Microsoft Entra's, by its client secret (OAuth 2.0, client credentials).
    case entraApplication(tokenURL: String, clientID: String, clientSecret: String, scope: String)
    /// The managed identity of the machine at Azure that Weir runs on.
    case azureIdentity(url: String, resource: String, clientID: String?)
    /// The role of a container at AWS (ECS, EKS pod identity): `Authorization` is the token or what the file holds by then.
    case awsContainer(url: String, token: String?, tokenFile: String?)
    /// The role of a machine at AWS, by the second version of its metadata service.
    case awsInstance(url: String)
    /// A role taken by the identity that a cluster's token file proves (AssumeRoleWithWebIdentity).
    case awsWebIdentity(url: String, roleARN: String, sessionName: String, tokenFile: String)
}

/// How a server departs from the dialect that it speaks, and where it keeps its endpoints.
package struct ProviderTraits: Sendable, Hashable {
    /// Where its endpoints lie below the base path.
    package var layout = PathLayout.standard
    /// The name of the output limit in chat completions is the old one, `max_tokens`.
    package var usesMaxTokens = false
    /// Members of chat completions that it refuses and that can be left out; `prompt_cache_breakpoint` stands for Responses too.
    package var refusedMembers: Set<String> = []
    /// Models, or patterns with a trailing `*`, that want `reasoning_content` back with the tool calls that followed it.
    package var echoesReasoning: [String] = []
    /// Azure's dated `api-version`; nil is its version 1.
    package var apiVersion: String?
    /// The geography that prices its turns where it is dearer than the rest: Vertex's regions.
    package var priceGeo: String?
    /// Model ids are an operator's own names: what the response calls the model prices it where nothing else does.
    package var hidesModels = false
    /// It serves OpenAI's own models, of which those that reason refuse to be sampled.
    package var servesOpenAIModels = false
    /// It refuses a user's message right behind a tool's.
    package var refusesUserBehindTool = false
    /// The ids of calls must be exactly so many letters and digits.
    package var callIDBytes: Int?

    package init(
        layout: PathLayout = .standard, usesMaxTokens: Bool = false, refusedMembers: Set<String> = [], echoesReasoning: [String] = [],
        hidesModels: Bool = false, servesOpenAIModels: Bool = false, refusesUserBehindTool: Bool = false, callIDBytes: Int? = nil
    ) {
        self.layout = layout
        self.usesMaxTokens = usesMaxTokens
        self.refusedMembers = refusedMembers
        self.echoesReasoning = echoesReasoning
        self.hidesModels = hidesModels
        self.servesOpenAIModels = servesOpenAIModels
        self.refusesUserBehindTool = refusesUserBehindTool
        self.callIDBytes = callIDBytes
    }
}

/// Where a provider's endpoints lie.
package enum PathLayout: String, Sendable, Codable {
    /// As the dialect's own vendor has them.
    case standard
    /// Azure OpenAI before its version 1: the deployment is in the path.
    case azureDeployments
    /// Vertex AI: project and location are in the base path, publisher and model follow.
    case vertex
}

/// What happens upstream when the client hangs up (`protocols.md`, section 10: providers bill differently).
package enum HangUpPolicy: String, Sendable, Codable {
    /// Close the upstream connection and estimate what was billed.
    case cancel
    /// Read the upstream to its end, since the provider bills in full anyway, then settle exactly.
    case drain
}
