// PolicyRecords: what administrators change is journaled before it is in force, or it is not changed: entities by `entity.changed`,
// prices and configuration by `policy.changed`, each with what went and what came.

import Crypto
import Foundation
import GatewayModel
import Identity
import Journal
import Policy
import ServerConfiguration
import WireFormat

extension Journal {
    /// Journals a change that is being made. Throws `IdentityError` when that cannot be: then it must not be made.
    func record(_ kind: RecordKind, at time: Timestamp, _ write: (inout JSONWriter) -> Void) throws {
        do throws(JournalError) {
            _ = try append(kind, at: time, write)
        } catch {
            if case .recordTooLarge(let bytes) = error {
                throw IdentityError(
                    .invalid, "change_too_large", "the record of this change would take \(bytes) bytes; 65,535 is the most",
                    mend: "say it in fewer words, or change it in several steps")
            }
            throw IdentityError(
                .unavailable, "journal_unavailable", "nothing is changed: \(describe(error))", mend: "give the disk room, then: weir doctor"
            )
        }
    }

    func recordEntity(_ entity: String, _ id: String, _ before: String?, _ after: String?, at time: Timestamp) throws {
        try record(.entityChanged, at: time) { writer in
            writer.field("entity", entity)
            writer.field("id", id)
            if let before { writer.rawField("before", before.utf8) }
            if let after { writer.rawField("after", after.utf8) }
        }
    }

    /// Journals a change of a policy that is told by lines: those that went and those that came, as many as a record holds, and digests
    /// of the whole. Says nothing where nothing has changed.
    func recordPolicy(_ policy: String, _ change: PolicyChange, at time: Timestamp) throws {
        guard !change.isEmpty else { return }
        try record(.policyChanged, at: time) { writer in
            writer.field("policy", policy)
            writer.field("before_sha256", change.digestBefore)
            writer.field("after_sha256", change.digestAfter)
            var room = PolicyChange.recordBytesMax
            var omitted: Int64 = 0
            func write(_ lines: [String], _ writer: inout JSONWriter) {
                for line in lines {
                    // Escaped, a byte takes six at most.
                    room -= line.utf8.count * (line.utf8.allSatisfy { $0 >= 32 } ? 2 : 6) + 3
                    if room >= 0 { writer.element(line) } else { omitted += 1 }
                }
            }
            writer.beginArray("before")
            write(change.removed, &writer)
            writer.endArray()
            writer.beginArray("after")
            write(change.added, &writer)
            writer.endArray()
            if omitted > 0 { writer.field("omitted_lines", omitted) }
        }
    }
}

extension Journal {
    /// Journals that turns without a price are given one now.
    func recordRerate(at time: Timestamp) throws {
        try record(.policyChanged, at: time) { writer in
            writer.field("policy", "turns without a price")
            writer.field("rerated", "begins")
        }
    }

    /// Journals how many turns of which deployment were given one.
    func recordRerated(_ priced: [String: Int64], at time: Timestamp) {
        guard !priced.isEmpty else { return }
        let named = priced.sorted { $0.key < $1.key }.prefix(200)
        try? record(.policyChanged, at: time) { writer in
            writer.field("policy", "turns without a price")
            writer.field("rerated", "ended")
            writer.field("turns", priced.values.reduce(0) { $0.saturatingAdding($1) })
            writer.beginArray("deployments")
            for (deployment, turns) in named {
                writer.element("\(String(decoding: deployment.utf8.prefix(80), as: UTF8.self)): \(turns)")
            }
            writer.endArray()
        }
    }
}

/// What of a policy went and came, each as a line of text.
struct PolicyChange {
    var removed: [String]
    var added: [String]
    var digestBefore: String
    var digestAfter: String

    fileprivate static let recordBytesMax = 60_000

    init(from before: [String], to after: [String]) {
        let (old, new) = (Set(before), Set(after))
        removed = before.filter { !new.contains($0) }
        added = after.filter { !old.contains($0) }
        digestBefore = digest(of: before)
        digestAfter = digest(of: after)
    }

    var isEmpty: Bool { removed.isEmpty && added.isEmpty }

    /// The change that takes this one back.
    var reversed: PolicyChange {
        var change = self
        (change.removed, change.added) = (added, removed)
        (change.digestBefore, change.digestAfter) = (digestAfter, digestBefore)
        return change
    }
}

/// SHA-256 of lines, in hex.
func digest(of lines: [String]) -> String {
    var hash = SHA256()
    for line in lines { hash.update(data: Data((line + "\n").utf8)) }
    return hash.finalize().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

extension GatewaySettings {
    /// All that the configuration decides, a line each: secrets as a part of their digest, so that a change of one shows.
    var policyLines: [String] {
        func fingerprint(_ secret: String) -> String { secret.isEmpty ? "" : String(digest(of: [secret]).prefix(8)) }
        var lines = ConfigurationReference.inForce(self).split(separator: "\n").map { String($0) }
        for provider in providers {
            var shown = provider
            shown.credential = fingerprint(provider.credential)
            shown.credentials = provider.credentials.map { one in
                var shown = one
                shown.secret = fingerprint(one.secret)
                return shown
            }
            let others = fingerprint(plainText(provider.tokenSource) + plainText(provider.aws))
            (shown.tokenSource, shown.aws) = (nil, nil)
            lines.append("provider \(provider.name) \(plainText(shown)) \(others)")
        }
        lines += routes.map { "route \($0.name) \(plainText($0))" }
        lines += prices.map { "price \(plainText($0))" }
        lines += limitRules.map { "limit \($0.id) \(plainText($0))" }
        lines += alertSinks.map { "alerts \($0.name) \(fingerprint(plainText($0)))" }
        lines.append("runaway \(plainText(runaway))")
        return lines
    }
}

/// A value with all its members, the same text for the same value: sets and dictionaries have an order of their own in each instance.
private func plainText(_ value: Any) -> String {
    let mirror = Mirror(reflecting: value)
    let parts = mirror.children.map { child in
        let text = plainText(child.value)
        return child.label.map { $0.hasPrefix(".") ? text : "\($0)=\(text)" } ?? text
    }
    switch mirror.displayStyle {
    case .set, .dictionary: return "{\(parts.sorted().joined(separator: ", "))}"
    case .collection: return "[\(parts.joined(separator: ", "))]"
    case .optional: return mirror.children.first.map { plainText($0.value) } ?? "nil"
    case .some where !parts.isEmpty: return "(\(parts.joined(separator: ", ")))"
    default: return "\(value)"
    }
}
