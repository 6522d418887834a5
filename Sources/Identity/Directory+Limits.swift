// Directory+Limits: budgets and limits that are made through the admin API, and grants. What the configuration declares is changed
// there alone.

import Foundation
package import GatewayModel
package import Policy
import Storage
import Synchronization

/// Changes of rules come one after the other, in the store and in the journal.
private let limitLock = Mutex(())

extension Directory {
    /// The rules of the store.
    package func limitRules() throws -> [LimitRule] {
        try store.limitRules().compactMap { try? JSONDecoder().decode(LimitRule.self, from: Data($0.body.utf8)) }
    }

    package func limitGrants() throws -> [LimitGrantRecord] { try store.limitGrants() }

    /// Makes a rule. `declared` are the names that the configuration has taken.
    package func createLimit(
        _ rule: LimitRule, declared: Set<String>, hasZone: (String) -> Bool
    ) throws -> LimitRule {
        try check(rule, hasZone: hasZone)
        return try limitLock.withLock { _ in
            try checkFree(rule.id, declared)
            guard try !store.limitRules().contains(where: { $0.id == rule.id }) else {
                throw IdentityError(
                    .conflict, "limit_exists", "there is a budget or limit \"\(rule.id)\" already",
                    mend: "weir \(word(rule)) update \(rule.id), or another name")
            }
            // What was granted to an earlier rule of this name is not granted to this one.
            let grants = try store.limitGrants().filter { $0.rule == rule.id }
            _ = try changeIf(word(rule), rule.id, nil, json(rule), tellMore: { try tellGone(grants) }) {
                try save(rule, created: nil)
                if !grants.isEmpty { try store.removeGrants(of: rule.id) }
                return true
            }
            return rule
        }
    }

    /// Changes a rule of the store: `change` gives it as it shall be.
    package func updateLimit(
        _ id: String, declared: Set<String>, hasZone: (String) -> Bool, _ change: (LimitRule) throws -> LimitRule
    ) throws -> LimitRule {
        try limitLock.withLock { _ in
            try checkFree(id, declared)
            let row = try storedLimit(id)
            let before = try rule(row)
            var after = try change(before)
            after.id = before.id
            try check(after, hasZone: hasZone)
            try self.change(word(after), id, json(before), json(after)) { try save(after, created: row.created) }
            return after
        }
    }

    package func removeLimit(_ id: String, declared: Set<String>) throws -> LimitRule {
        try limitLock.withLock { _ in
            try checkFree(id, declared)
            let rule = try rule(try storedLimit(id))
            let grants = try store.limitGrants().filter { $0.rule == id }
            _ = try changeIf(word(rule), id, json(rule), nil, tellMore: { try tellGone(grants) }) {
                try store.removeLimit(id)
                if !grants.isEmpty { try store.removeGrants(of: id) }
                return true
            }
            return rule
        }
    }

    /// Raises one counter of a rule for a time.
    package func grant(
        _ rule: LimitRule, group: [String], amount: Int64, expires: Timestamp?, by: String, reason: String
    ) throws -> LimitGrantRecord {
        guard amount > 0, amount <= LimitRule.limitMax else {
            throw IdentityError(.invalid, "malformed_grant", "a grant is more than nothing", mend: "give an amount above 0")
        }
        guard group.count == rule.wholeGroup.count else {
            let names = rule.wholeGroup.map(\.description).joined(separator: ", ")
            throw IdentityError(
                .invalid, "grant_needs_group", "\"\(rule.id)\" keeps a counter for each \(names.isEmpty ? "nothing" : names)",
                mend: names.isEmpty
                    ? "leave --group out" : "say whose: \(rule.wholeGroup.map { "--group \($0)=…" }.joined(separator: " "))"
            )
        }
        if let expires, expires <= clock.now() {
            throw IdentityError(.invalid, "malformed_time", "the grant has ended already", mend: "for example --for 24h")
        }
        try check(name: by, what: "granter")
        guard reason.utf8.count <= 1000 else {
            throw IdentityError(.invalid, "reason_too_long", "a reason is at most 1,000 bytes", mend: "say it shorter, or name a ticket")
        }
        let grant = LimitGrantRecord(
            id: makeID(.limitGrant), rule: rule.id, group: group, amount: amount, expires: expires, by: by, reason: reason,
            created: clock.now())
        try limitLock.withLock { _ in
            try change("limit_grant", grant.id, nil, json(grant)) { try store.insert(grant: grant) }
        }
        return grant
    }

    // MARK: Inside

    private func tellGone(_ grants: [LimitGrantRecord]) throws {
        for grant in grants { try changed("limit_grant", grant.id, json(grant), nil) }
    }

    private func word(_ rule: LimitRule) -> String { rule.unit == .nanoUSD ? "budget" : "limit" }

    private func check(_ rule: LimitRule, hasZone: (String) -> Bool) throws {
        try check(name: rule.id, what: word(rule))
        if let fault = rule.fault(hasZone: hasZone) {
            throw IdentityError(.invalid, "malformed_limit", "\(fault.field): \(fault.problem)", mend: fault.mend)
        }
    }

    private func checkFree(_ id: String, _ declared: Set<String>) throws {
        guard declared.contains(id) else { return }
        throw IdentityError(
            .conflict, "declared_in_configuration", "\"\(id)\" is declared in the configuration and read-only here",
            mend: "change weir.yaml; it is taken over without a restart")
    }

    private func storedLimit(_ id: String) throws -> LimitRow {
        if let row = try store.limitRules().first(where: { $0.id == id }) { return row }
        throw IdentityError(
            .notFound, "limit_not_found", "there is no budget or limit \"\(id)\"", mend: "weir budget list, weir limit list")
    }

    private func rule(_ row: LimitRow) throws -> LimitRule {
        do {
            return try JSONDecoder().decode(LimitRule.self, from: Data(row.body.utf8))
        } catch {
            throw IdentityError(
                .invalid, "unreadable_limit", "the stored \"\(row.id)\" was written by a newer Weir", mend: "run that one, or delete it")
        }
    }

    private func save(_ rule: LimitRule, created: String?) throws {
        let now = clock.now().rfc3339
        try store.save(limit: LimitRow(id: rule.id, body: json(rule), created: created ?? now, updated: now))
    }
}
