// WireTypes: the bodies of the admin API, as the server writes and the command line reads them. Money is integer nano-USD, times
// are RFC 3339.

package import GatewayModel

/// The body of every error.
package struct APIErrorBody: Sendable, Codable {
    /// What went wrong, and the command or setting that mends it.
    package struct Detail: Sendable, Codable {
        package var code: String
        package var message: String
        /// What to do about it.
        package var mend: String
        package var requestID: String?

        enum CodingKeys: String, CodingKey {
            case code, message, mend
            case requestID = "request_id"
        }
    }

    package var error: Detail

    package init(code: String, message: String, mend: String, requestID: String? = nil) {
        error = Detail(code: code, message: message, mend: mend, requestID: requestID)
    }
}

/// A virtual key as it is shown: never its secret.
package struct KeyView: Sendable, Codable {
    package var keyID: String
    package var name: String
    package var developer: String?
    package var serviceAccount: String?
    package var team: String
    package var status: String
    package var created: String
    package var notBefore: String?
    package var expires: String?
    package var lastUsed: String?
    package var generation: Int
    package var models: [String]
    package var endpoints: [String]
    package var networks: [String]
    package var repository: String?
    package var repositoryEnforced: Bool
    package var strict: Bool
    /// How long answers to it are kept and given again; 0 is never, absent is as its route says.
    package var cacheSeconds: Int?

    package init(
        key: VirtualKey, name: String, created: String, isIntact: Bool, lastUsed: Timestamp?, now: Timestamp
    ) {
        keyID = key.id
        self.name = name
        developer = key.principal.developer
        serviceAccount = key.principal.serviceAccount
        team = key.principal.team
        status =
            !isIntact ? "tampered" : key.revoked ? "revoked" : key.expires.map { $0 <= now } ?? false ? "expired" : "active"
        self.created = created
        notBefore = key.notBefore?.rfc3339
        expires = key.expires?.rfc3339
        self.lastUsed = lastUsed?.rfc3339
        generation = key.secrets.map(\.generation).max() ?? 0
        models = key.models
        endpoints = key.endpoints.map(\.rawValue)
        networks = key.networks
        repository = key.repository
        repositoryEnforced = key.repositoryEnforced
        strict = key.strict ?? false
        cacheSeconds = key.cacheSeconds
    }

    enum CodingKeys: String, CodingKey {
        case keyID = "key_id"
        case name, developer
        case serviceAccount = "service_account"
        case team, status, created
        case notBefore = "not_before"
        case expires
        case lastUsed = "last_used"
        case generation, models, endpoints, networks, repository
        case repositoryEnforced = "repository_enforced"
        case strict
        case cacheSeconds = "cache_seconds"
    }
}

/// A new or rotated key; `secret` is shown this once.
package struct KeySecretView: Sendable, Codable {
    package var key: KeyView
    package var secret: String
    /// What AWS SDKs sign with; nil for a key that has no such thing.
    package var aws: AWSAccessKey?

    package init(key: KeyView, secret: String, aws: AWSAccessKey? = nil) {
        self.key = key
        self.secret = secret
        self.aws = aws
    }
}

/// The access key of a virtual key, for AWS SDKs.
package struct AWSAccessKey: Sendable, Codable {
    package var accessKeyID: String
    package var secretAccessKey: String

    package init(accessKeyID: String, secretAccessKey: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
    }

    enum CodingKeys: String, CodingKey {
        case accessKeyID = "access_key_id"
        case secretAccessKey = "secret_access_key"
    }
}

/// What `POST /keys` and `PATCH /keys/{id}` take.
package struct KeyRequest: Sendable, Codable {
    package var name: String?
    package var developer: String?
    package var serviceAccount: String?
    package var team: String?
    package var notBefore: String?
    package var expires: String?
    package var models: [String]?
    package var endpoints: [String]?
    package var networks: [String]?
    package var repository: String?
    package var repositoryEnforced: Bool?
    package var strict: Bool?
    /// Whether AWS SDKs may sign with it.
    package var aws: Bool?
    /// How long answers to it are kept and given again; 0 is never, -1 is as its route says.
    package var cacheSeconds: Int?

    package init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, developer
        case serviceAccount = "service_account"
        case team
        case notBefore = "not_before"
        case expires, models, endpoints, networks, repository, aws
        case repositoryEnforced = "repository_enforced"
        case strict
        case cacheSeconds = "cache_seconds"
    }

    /// The members that a request may have.
    package static let members = CodingKeys.allCases.map(\.rawValue)
}

/// Asks for a new secret under the same key.
package struct RotateRequest: Sendable, Codable {
    package var overlapSeconds: Int64

    package init(overlapSeconds: Int64) { self.overlapSeconds = overlapSeconds }

    enum CodingKeys: String, CodingKey {
        case overlapSeconds = "overlap_seconds"
    }
}

/// What creates a workspace, a team, a developer or a service account.
package struct EntityRequest: Sendable, Codable {
    package var name: String
    package var workspace: String?
    package var team: String?
    package var email: String?

    package init(name: String, workspace: String? = nil, team: String? = nil, email: String? = nil) {
        self.name = name
        self.workspace = workspace
        self.team = team
        self.email = email
    }
}

/// A workspace, a team, a developer or a service account.
package struct EntityView: Sendable, Codable {
    package var id: String
    package var name: String
    package var workspace: String
    package var team: String?
    package var email: String?
    package var created: String
    package var disabled: String?

    package init(
        id: String, name: String, workspace: String, team: String? = nil, email: String? = nil, created: String,
        disabled: String? = nil
    ) {
        self.id = id
        self.name = name
        self.workspace = workspace
        self.team = team
        self.email = email
        self.created = created
        self.disabled = disabled
    }
}

/// A list of anything.
package struct ListBody<Element: Sendable & Codable>: Sendable, Codable {
    package var data: [Element]
    package var next: String?

    package init(data: [Element], next: String? = nil) {
        self.data = data
        self.next = next
    }
}

/// What imports price rows.
package struct PriceImportRequest: Sendable, Codable {
    package var source: String
    package var rows: [PriceRow]

    package init(source: String, rows: [PriceRow]) {
        self.source = source
        self.rows = rows
    }
}

/// A deployment whose turns have no price, or how many were priced again.
package struct UnpricedView: Sendable, Codable {
    package var deployment: String
    package var turns: Int64

    package init(deployment: String, turns: Int64) {
        self.deployment = deployment
        self.turns = turns
    }
}

/// How the server is.
package struct StatusView: Sendable, Codable {
    package var version: String
    package var listen: String
    package var snapshotVersion: Int64
    package var providers: [String]
    package var activeRequests: Int
    package var journalAvailable: Bool
    package var journalFailure: String?
    package var journalSequence: Int64
    package var ledgerSequence: Int64
    /// Why the ledger lags, while it cannot be written.
    package var ledgerFailure: String?
    package var counters: [String: Int64]

    package init(
        version: String, listen: String, snapshotVersion: Int64, providers: [String], activeRequests: Int,
        journalAvailable: Bool, journalFailure: String?, journalSequence: Int64, ledgerSequence: Int64,
        ledgerFailure: String? = nil, counters: [String: Int64]
    ) {
        self.version = version
        self.listen = listen
        self.snapshotVersion = snapshotVersion
        self.providers = providers
        self.activeRequests = activeRequests
        self.journalAvailable = journalAvailable
        self.journalFailure = journalFailure
        self.journalSequence = journalSequence
        self.ledgerSequence = ledgerSequence
        self.ledgerFailure = ledgerFailure
        self.counters = counters
    }

    enum CodingKeys: String, CodingKey {
        case version, listen
        case snapshotVersion = "snapshot_version"
        case providers
        case activeRequests = "active_requests"
        case journalAvailable = "journal_available"
        case journalFailure = "journal_failure"
        case journalSequence = "journal_sequence"
        case ledgerSequence = "ledger_sequence"
        case ledgerFailure = "ledger_failure"
        case counters
    }
}
