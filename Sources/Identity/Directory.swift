// Directory: teams, developers, service accounts and their virtual keys. Ids and times are made here; storage writes what it is
// given; every change is told to the journal by a hook.

import Foundation
package import GatewayModel
import Policy
package import Storage

/// What a new key may do. Nil members take the defaults.
package struct KeySpecification: Sendable, Hashable, Codable {
    package var name: String?
    package var developer: String?
    package var serviceAccount: String?
    package var team: String?
    package var notBefore: Timestamp?
    package var expires: Timestamp?
    package var models: [String]?
    package var endpoints: [String]?
    package var networks: [String]?
    package var repository: String?
    package var repositoryEnforced: Bool?
    package var strict: Bool?
    package var allowsAWSSignatures: Bool?
    /// 0 is never; below 0 leaves it to the route again.
    package var cacheSeconds: Int?

    package init() {}
}

/// A key with what is stored around it.
package struct StoredKey: Sendable {
    package var key: VirtualKey
    package var name: String
    package var created: String
    /// False when the row was changed by something else than Weir; such a key is never accepted.
    package var isIntact: Bool
}

/// The business of identities.
package struct Directory: Sendable {
    /// Tells the journal of a change: kind of entity, id, before and after as JSON, secrets as fingerprints. What it throws undoes the
    /// change.
    package typealias ChangeHook = @Sendable (_ entity: String, _ id: String, _ before: String?, _ after: String?) throws -> Void

    package static let defaultWorkspace = "default"
    package static let rotationOverlapSecondsMax: Int64 = 72 * 3600
    private static let expirySeconds: Int64 = 90 * 86_400
    /// In bytes: a record of a change holds what was and what is.
    private static let policyBytesMax = 30_000

    let store: ControlStore
    package let pepper: Pepper
    let clock: any GatewayClock
    let random: any RandomSource
    let changed: ChangeHook

    package init(
        store: ControlStore, pepper: Pepper, clock: any GatewayClock, random: any RandomSource,
        changed: @escaping ChangeHook
    ) {
        self.store = store
        self.pepper = pepper
        self.clock = clock
        self.random = random
        self.changed = changed
    }

    // MARK: Keys

    package func keys() throws -> [StoredKey] { try store.keys().compactMap(decode) }

    package func hasKeys() throws -> Bool { try store.hasKeys() }

    /// Finds a key by its id, or by its name when only one has it.
    package func key(_ id: String) throws -> StoredKey {
        if let row = try store.key(id), let found = decode(row) { return found }
        let all = try store.keys()
        let named = all.filter { $0.name == id }
        if named.count == 1, let found = decode(named[0]) { return found }
        let near = all.first { $0.keyID.hasPrefix(id) || id.hasPrefix($0.keyID.prefix(3)) && !id.isEmpty }
        let hint = near.map { "did you mean \($0.keyID) (\($0.name))? " } ?? ""
        throw IdentityError(.notFound, "key_not_found", "no key \"\(id)\"", mend: "\(hint)list: weir key list")
    }

    /// Creates a key. The text is the only copy of its secret.
    package func createKey(_ specification: KeySpecification) throws -> (text: String, key: StoredKey) {
        let made = try makeKey(specification)
        try change("virtual_key", made.key.key.id, nil, fingerprinted(made.key.key)) { try store.save(row(made.key)) }
        return made
    }

    /// A key that is stored nowhere yet.
    func makeKey(_ specification: KeySpecification) throws -> (text: String, key: StoredKey) {
        let (owner, kind) = try owner(of: specification)
        let made = KeyToken.make(random: random, isServiceAccount: kind == .serviceAccount)
        let principal = Principal(
            keyID: made.token.keyID, workspace: owner.workspace, team: specification.team ?? owner.team,
            developer: kind == .developer ? owner.name : nil, serviceAccount: kind == .serviceAccount ? owner.name : nil)
        let secret = KeySecret(mac: pepper.mac(keyID: made.token.keyID, secret: made.token.secret), generation: 1)
        var key = VirtualKey(id: made.token.keyID, principal: principal, secrets: [secret])
        key.expires = clock.now().adding(seconds: Self.expirySeconds)
        try apply(specification, to: &key)
        let stored = StoredKey(
            key: key, name: specification.name ?? owner.name, created: clock.now().rfc3339, isIntact: true)
        return (made.text, stored)
    }

    /// Changes a key's policy; what is nil stays.
    package func updateKey(_ id: String, _ specification: KeySpecification) throws -> StoredKey {
        var stored = try key(id)
        try checkOwner(specification, stored.key.principal)
        let before = fingerprinted(stored.key)
        try apply(specification, to: &stored.key)
        if let name = specification.name { stored.name = name }
        try save(stored, before)
        return stored
    }

    /// Gives the key a new secret under the same id. The old one stays valid for the overlap.
    package func rotateKey(_ id: String, overlapSeconds: Int64) throws -> (text: String, key: StoredKey) {
        guard (0...Self.rotationOverlapSecondsMax).contains(overlapSeconds) else {
            throw IdentityError(.invalid, "overlap_too_long", "an overlap is at most 72 hours", mend: "--overlap 24h")
        }
        var stored = try key(id)
        guard !stored.key.revoked else {
            throw IdentityError(.conflict, "key_revoked", "key \(stored.key.id) is revoked", mend: "weir key create")
        }
        let before = fingerprinted(stored.key)
        let now = clock.now()
        let made = KeyToken.make(
            random: random, isServiceAccount: stored.key.principal.serviceAccount != nil, keyID: stored.key.id)
        let generation = (stored.key.secrets.map(\.generation).max() ?? 0) + 1
        // Without an overlap nothing of the old secret is kept: what is gone needs no clock to be refused.
        let kept = overlapSeconds == 0 ? [] : stored.key.secrets.filter { $0.validUntil.map { now < $0 } ?? true }
        var secrets = kept.map { secret in
            var old = secret
            old.validUntil = min(old.validUntil ?? .init(nanoseconds: .max), now.adding(seconds: overlapSeconds))
            return old
        }
        secrets.append(
            KeySecret(mac: pepper.mac(keyID: stored.key.id, secret: made.token.secret), generation: generation))
        stored.key.secrets = secrets
        if let expires = stored.key.expires, expires < now.adding(seconds: Self.expirySeconds) {
            stored.key.expires = now.adding(seconds: Self.expirySeconds)
        }
        try save(stored, before)
        return (made.text, stored)
    }

    package func revokeKey(_ id: String) throws -> StoredKey {
        var stored = try key(id)
        let before = fingerprinted(stored.key)
        stored.key.revoked = true
        try save(stored, before)
        return stored
    }

    /// Every intact key by its id: what the hot path's snapshot holds.
    package func keysByID() throws -> [String: VirtualKey] {
        var keys: [String: VirtualKey] = [:]
        let disabled = try disabledNames()
        try store.forEachKey { row in
            guard let stored = decode(row), stored.isIntact else { return }
            var key = stored.key
            // Who is disabled is out at once, and back in without new keys.
            if disabled.covers(key.principal) { key.revoked = true }
            keys[key.id] = key
        }
        return keys
    }

    // MARK: Inside

    private func owner(of specification: KeySpecification) throws -> (OwnerRow, OwnerKind) {
        let kind: OwnerKind = specification.serviceAccount != nil ? .serviceAccount : .developer
        guard let name = specification.developer ?? specification.serviceAccount,
            specification.developer == nil || specification.serviceAccount == nil
        else {
            throw IdentityError(
                .invalid, "key_needs_owner", "a key belongs to one developer or one service account",
                mend: "--developer NAME or --service-account NAME")
        }
        if let found = try store.owners(kind).first(where: { $0.name == name && $0.disabled == nil }) {
            if let team = specification.team, team != found.team,
                try !store.teams().contains(where: { $0.name == team && $0.disabled == nil })
            {
                throw IdentityError(.notFound, "team_not_found", "no team \"\(team)\"", mend: "weir team create \(team)")
            }
            return (found, kind)
        }
        // A key for somebody new in a team that is named makes both: the first minute should need one command.
        guard let team = specification.team else {
            throw IdentityError(
                .notFound, "\(kind.rawValue)_not_found", "no \(kind.rawValue) \"\(name)\"",
                mend: "add --team TEAM to create them with the key, or: weir developer create \(name) --team TEAM")
        }
        // Before the team, so that a refusal leaves none behind.
        try checkUnclaimed(name)
        if try !store.teams().contains(where: { $0.name == team }) { _ = try createTeam(team) }
        return (try createOwner(kind, name: name, team: team, email: nil), kind)
    }

    /// A key keeps its owner and its team: what was spent with it is told under them. Who sends them again as they are changes nothing.
    private func checkOwner(_ specification: KeySpecification, _ principal: Principal) throws {
        let members: [(name: String, asked: String?, present: String?)] = [
            ("developer", specification.developer, principal.developer),
            ("service_account", specification.serviceAccount, principal.serviceAccount),
            ("team", specification.team, principal.team),
        ]
        for member in members where member.asked != nil && member.asked != member.present {
            throw IdentityError(
                .invalid, "key_keeps_owner", "a key keeps its owner and its team: its \(member.name) cannot be changed",
                mend: "make another key: weir key create, then: weir key revoke \(principal.keyID)")
        }
    }

    private func apply(_ specification: KeySpecification, to key: inout VirtualKey) throws {
        if let name = specification.name { try check(name: name, what: "key") }
        if let notBefore = specification.notBefore { key.notBefore = notBefore }
        if let expires = specification.expires { key.expires = expires }
        if let models = specification.models { key.models = models }
        if let endpoints = specification.endpoints {
            key.endpoints = try endpoints.map { name in
                guard let endpoint = Endpoint(rawValue: name) else {
                    throw IdentityError(
                        .invalid, "unknown_endpoint", "no endpoint \"\(name)\"",
                        mend: "one of: \(Endpoint.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return endpoint
            }
        }
        if let networks = specification.networks {
            for network in networks where CIDRBlock(network) == nil {
                throw IdentityError(.invalid, "malformed_network", "\"\(network)\" is no network", mend: "for example 10.0.0.0/8")
            }
            key.networks = networks
        }
        if let repository = specification.repository {
            key.repository = repository.isEmpty ? nil : try normalised(repository)
        }
        if let enforced = specification.repositoryEnforced { key.repositoryEnforced = enforced }
        if let strict = specification.strict { key.strict = strict ? true : nil }
        if let allows = specification.allowsAWSSignatures { key.allowsAWSSignatures = allows ? true : nil }
        if let seconds = specification.cacheSeconds {
            guard seconds <= CacheRule.secondsMax else {
                throw IdentityError(
                    .invalid, "cache_too_long", "answers are kept for at most \(CacheRule.secondsMax) seconds",
                    mend: "give cache_seconds from 0 to \(CacheRule.secondsMax)")
            }
            key.cacheSeconds = seconds < 0 ? nil : seconds
        }
        guard json(key).utf8.count <= Self.policyBytesMax else {
            throw IdentityError(
                .invalid, "policy_too_large", "what a key may do is said in at most \(Self.policyBytesMax) bytes",
                mend: "name models by patterns, such as openai/*")
        }
    }

    /// The spelling that requests are compared with.
    private func normalised(_ repository: String) throws -> String {
        guard let label = repositoryLabel(repository) else {
            throw IdentityError(
                .invalid, "malformed_repository", "\"\(repository)\" is no repository", mend: "for example github.com/acme/shop")
        }
        return label
    }

    func check(name: String, what: String) throws {
        guard (1...100).contains(name.utf8.count), name.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }),
            !name.hasPrefix(" "), !name.hasSuffix(" ")
        else {
            throw IdentityError(
                .invalid, "malformed_name", "a \(what)'s name is 1 to 100 bytes without control characters",
                mend: "choose another name")
        }
    }

    func makeID(_ kind: EntityKind) -> String {
        makeEntityID(kind, random: (random.next(), UInt16(truncatingIfNeeded: random.next())))
    }

    private func save(_ stored: StoredKey, _ before: String) throws {
        try change("virtual_key", stored.key.id, before, fingerprinted(stored.key)) { try store.save(row(stored)) }
    }

    /// One change of one entity: the store takes what `write` gives it when the journal has taken the record, and not without it.
    func change(_ entity: String, _ id: String, _ before: String?, _ after: String?, _ write: () throws -> Void) throws {
        _ = try changeIf(entity, id, before, after) {
            try write()
            return true
        }
    }

    /// The same where `write` may find that there is nothing to change; gives whether there was. `tellMore` tells of what else it was.
    func changeIf(
        _ entity: String, _ id: String, _ before: String?, _ after: String?, tellMore: () throws -> Void = {}, _ write: () throws -> Bool
    ) throws -> Bool {
        var isTold = false
        do {
            return try store.transaction {
                guard try write() else { return false }
                try changed(entity, id, before, after)
                isTold = true
                try tellMore()
                return true
            }
        } catch {
            // The store did not take what the journal has: that is taken back there too.
            if isTold { try? changed(entity, id, after, before) }
            throw error
        }
    }

    /// A key as the store keeps it.
    package func row(_ stored: StoredKey) -> KeyRow {
        let policy = json(stored.key)
        return KeyRow(
            keyID: stored.key.id, name: stored.name, policy: policy, rowMAC: pepper.rowMAC([stored.key.id, policy]),
            created: stored.created)
    }

    private func decode(_ row: KeyRow) -> StoredKey? {
        guard let key = decodeKeyPolicy(row.policy) else { return nil }
        let isIntact = pepper.rowMAC([row.keyID, row.policy]) == row.rowMAC && key.id == row.keyID
        return StoredKey(key: key, name: row.name, created: row.created, isIntact: isIntact)
    }

    /// The key without its MACs: what the journal may hold.
    func fingerprinted(_ key: VirtualKey) -> String {
        var shown = key
        shown.secrets = key.secrets.map { KeySecret(mac: Array($0.mac.prefix(4)), generation: $0.generation, validUntil: $0.validUntil) }
        let text = json(shown)
        guard text.utf8.count > Self.policyBytesMax else { return text }
        // Only a key of an older version is so large, and revoking it must not fail for that.
        func counted(_ list: [String]) -> [String] { list.isEmpty ? [] : ["\(list.count) entries"] }
        (shown.models, shown.networks) = (counted(shown.models), counted(shown.networks))
        return json(shown)
    }

    func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}
