// AgentOrigin: what agents and developers' machines ask of the gateway's own origin: OpenCode's documents, the files that Weir
// serves, and logins by device code. This file is the list of its paths.

package import GatewayModel
package import Identity
package import Proxy

/// What an operator sets for these paths.
package struct AgentOriginSettings: Sendable, Hashable {
    /// Scheme and host by which clients reach the gateway; nil takes them from each request.
    package var publicURL: String?
    /// Whether model names are told to callers without a key.
    package var listsModelsPublicly = false
    /// The models that OpenCode begins with; nil chooses among those that the key may use.
    package var openCodeModel: String?
    package var openCodeSmallModel: String?
    /// How long a key from a login lives.
    package var loginKeyDays: Int64 = 365

    package init() {}
}

/// What the handler needs of the running server.
package struct AgentOriginDependencies: Sendable {
    package var directory: Directory
    package var clock: any GatewayClock
    package var settings: @Sendable () async -> AgentOriginSettings
    /// Puts a new key in force before its text is told.
    package var publish: @Sendable () async throws -> Void
    /// Who may approve a login on the page. Single sign-on will be another one.
    package var approver: any DeviceApprover

    package init(
        directory: Directory, clock: any GatewayClock, settings: @escaping @Sendable () async -> AgentOriginSettings,
        publish: @escaping @Sendable () async throws -> Void, approver: (any DeviceApprover)? = nil
    ) {
        self.directory = directory
        self.clock = clock
        self.settings = settings
        self.publish = publish
        self.approver = approver ?? InvitationApprover(directory: directory)
    }
}

/// Answers all of it.
package final class AgentOrigin: OriginHandler {
    private let dependencies: AgentOriginDependencies
    private let logins: DeviceLogins

    package init(_ dependencies: AgentOriginDependencies) {
        self.dependencies = dependencies
        logins = DeviceLogins(dependencies)
    }

    /// A client joins the path to the address that a person typed, with or without a slash at its end.
    private static let manifests = [
        "/.well-known/opencode", "/.well-known/opencode/", "//.well-known/opencode", "//.well-known/opencode/",
    ]

    package let routes: [OriginRoute] =
        manifests.map { OriginRoute($0, methods: ["GET"], access: .open) } + [
            OriginRoute("/opencode/config", methods: ["GET"], access: .reported),
            OriginRoute("/opencode/api.json", methods: ["GET"], access: .reported),
            OriginRoute("/opencode/plugin.js", methods: ["GET"], access: .open),
            OriginRoute("/opencode/login.sh", methods: ["GET"], access: .open),
            OriginRoute("/shim.sh", methods: ["GET"], access: .open),
            OriginRoute("/.well-known/oauth-authorization-server", methods: ["GET"], access: .open),
            OriginRoute("/device", methods: ["GET", "POST"], access: .open, bodyBytesMax: 4096),
            OriginRoute("/device/code", methods: ["POST"], access: .open, bodyBytesMax: 4096),
            OriginRoute("/device/token", methods: ["POST"], access: .open, bodyBytesMax: 4096),
            OriginRoute("/device/revoke", methods: ["POST"], access: .key, bodyBytesMax: 4096),
        ]

    package func answer(_ request: OriginRequest) async throws -> OriginAnswer {
        let settings = await dependencies.settings()
        guard let origin = PublicOrigin(settings: settings, request: request) else {
            return failure(400, "unusable_host", "The Host header is no host name. An operator can set public_url.")
        }
        switch request.path {
        case "/opencode/config": return openCodeConfig(request, settings, origin)
        case "/opencode/api.json": return modelsDocument(request, settings, origin)
        case "/opencode/plugin.js": return ServedFiles.plugin(origin)
        case "/opencode/login.sh": return ServedFiles.loginScript
        case "/shim.sh": return ServedFiles.shim
        case "/.well-known/oauth-authorization-server": return logins.metadata(origin)
        case "/device": return try await logins.page(request, origin)
        case "/device/code": return try logins.begin(request, origin)
        case "/device/token": return try await logins.fetchKey(request, settings)
        case "/device/revoke": return try await logins.revoke(request)
        default: return openCodeManifest(request, settings, origin)
        }
    }
}

/// An error in the shape that OAuth clients and people read alike.
func failure(_ status: Int, _ code: String, _ words: String, _ headers: [(String, String)] = []) -> OriginAnswer {
    .json(
        status,
        JSONText.object {
            $0.field("error", code)
            $0.field("error_description", words)
        }, [("Cache-Control", "no-store")] + headers)
}
