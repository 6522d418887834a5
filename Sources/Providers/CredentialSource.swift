// CredentialSource: credentials that nobody writes down: the identity of the machine, container or application that Weir is.

package import GatewayModel

/// Where a provider's credential is fetched from.
package enum CredentialSource: String, Sendable, CaseIterable {
    /// An application of Microsoft Entra's, by its secret.
    case entra
    /// The managed identity of the machine at Azure.
    case managedIdentity = "managed-identity"
    /// The role of the container at AWS: ECS, EKS pod identity.
    case container
    /// The role of the machine at AWS.
    case instance
    /// The role that a cluster's service account takes at AWS.
    case webIdentity = "web-identity"

    var isAWS: Bool { self == .container || self == .instance || self == .webIdentity }
}

extension AccessTokenSource {
    /// Whether it gives a token, and not keys that sign.
    var isToken: Bool {
        switch self {
        case .awsContainer, .awsInstance, .awsWebIdentity: false
        default: true
        }
    }
}

/// Where AWS's containers find their role: of ECS, and of EKS in both families.
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
private let containerHosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]

/// What the configuration says of it; nil when the credential is written down.
func credentialSource(
    _ specification: ProviderSpecification, _ preset: ProviderPreset, allowsPrivate: Bool
) throws(ProviderError) -> AccessTokenSource? {
    guard let source = specification.credentialSource else { return nil }
    let isAzure = preset.kind == ProviderPreset.azureOpenAI.kind || preset.kind == ProviderPreset.azureAnthropic.kind
    guard source.isAWS ? preset.awsService != nil : isAzure else {
        throw ProviderError(
            setting: "credential_source", message: "a provider of kind \(preset.kind.rawValue) has no credential from \(source.rawValue)")
    }
    guard specification.credential == nil, specification.credentials.isEmpty, specification.accessKeyID == nil else {
        throw ProviderError(setting: "credential_source", message: "set credential_source, or write a credential down, not both")
    }
    let reader = SourceReader(specification: specification, allowsPrivate: allowsPrivate)
    return switch source {
    case .entra: try reader.entra()
    case .managedIdentity: try reader.managedIdentity()
    case .container: try reader.container()
    case .instance: .awsInstance(url: try reader.checked(specification.tokenURL ?? "http://169.254.169.254", hosts: ["169.254.169.254"]))
    case .webIdentity: try reader.webIdentity()
    }
}

private struct SourceReader {
    let specification: ProviderSpecification
    let allowsPrivate: Bool

    /// Both of Azure's kinds take tokens for this resource.
    private var scope: String { specification.tokenScope ?? "https://cognitiveservices.azure.com/.default" }

    /// OAuth 2.0 client credentials (Microsoft identity platform, "OAuth 2.0 client credentials flow").
    func entra() throws(ProviderError) -> AccessTokenSource {
        let client = try given(specification.clientID, "client_id")
        let secret = try given(specification.clientSecret, "client_secret")
        let url: String
        if let own = specification.tokenURL {
            url = try checked(own, hosts: [])
        } else {
            let tenant = try given(specification.tenantID, "tenant_id")
            guard tenant.utf8.allSatisfy({ isTenantByte($0) }) else {
                throw ProviderError(setting: "tenant_id", message: "a tenant is an id or a domain of letters, digits, - and .")
            }
            url = "https://login.microsoftonline.com/\(tenant)/oauth2/v2.0/token"
        }
        return .entraApplication(tokenURL: url, clientID: client, clientSecret: secret, scope: scope)
    }

    /// The instance metadata service ("How to use managed identities for Azure resources on a VM to acquire an access token").
    func managedIdentity() throws(ProviderError) -> AccessTokenSource {
        let url = try checked(
            specification.tokenURL ?? "http://169.254.169.254/metadata/identity/oauth2/token", hosts: ["169.254.169.254"])
        let resource = scope.hasSuffix("/.default") ? String(scope.dropLast(9)) : scope
        return .azureIdentity(url: url, resource: resource, clientID: specification.clientID)
    }

    func container() throws(ProviderError) -> AccessTokenSource {
        let environment = specification.roleEnvironment
        let full = specification.tokenURL ?? environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        let relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"].map { "http://169.254.170.2\($0)" }
        guard let url = full ?? relative else {
            throw ProviderError(
                setting: "credential_source",
                message: "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set here, as it is in a container with a role; or set token_url")
        }
        return .awsContainer(
            url: try checked(url, hosts: containerHosts), token: environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"],
            tokenFile: specification.tokenFile ?? environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    }

    func webIdentity() throws(ProviderError) -> AccessTokenSource {
        let environment = specification.roleEnvironment
        let role = try given(specification.roleARN ?? environment["AWS_ROLE_ARN"], "role_arn")
        let file = try given(specification.tokenFile ?? environment["AWS_WEB_IDENTITY_TOKEN_FILE"], "token_file")
        let region = specification.region ?? "us-east-1"
        return .awsWebIdentity(
            url: try checked(specification.tokenURL ?? "https://sts.\(region).amazonaws.com/", hosts: []), roleARN: role,
            sessionName: environment["AWS_ROLE_SESSION_NAME"] ?? "weir", tokenFile: file)
    }

    private func given(_ value: String?, _ setting: String) throws(ProviderError) -> String {
        guard let value, !value.isEmpty, value.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            let source = specification.credentialSource?.rawValue ?? ""
            throw ProviderError(setting: setting, message: "credential_source: \(source) needs \(setting), without spaces")
        }
        return value
    }

    /// A URL that a secret may go to or come from: TLS, the machine's own metadata service, or what was allowed by name.
    func checked(_ url: String, hosts: [String]) throws(ProviderError) -> String {
        let isLocal = hosts.contains { url.hasPrefix("http://\($0)/") || url == "http://\($0)" }
        guard url.hasPrefix("https://") || isLocal || allowsPrivate && url.hasPrefix("http://") else {
            throw ProviderError(setting: "token_url", message: "it must begin with https://, or be the metadata service of the machine")
        }
        guard url.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw ProviderError(setting: "token_url", message: "the URL holds a character that it may not")
        }
        return url
    }

    private func isTenantByte(_ byte: UInt8) -> Bool {
        byte >= 97 && byte <= 122 || byte >= 65 && byte <= 90 || byte >= 48 && byte <= 57 || byte == 45 || byte == 46
    }
}
