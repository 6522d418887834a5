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
    /// Journals that turns without a price were given one: how many of which deployment.
    func recordRerate(_ priced: [String: Int64], at time: Timestamp) throws {
        guard !priced.isEmpty else { return }
        try record(.policyChanged, at: time) { writer in
            writer.field("policy", "prices")
            writer.beginArray("rerated")
            for (deployment, turns) in priced.sorted(by: { $0.key < $1.key }).prefix(500) {
                writer.element("\(deployment.prefix(80)): \(turns) turns")
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func json(_ value: some Encodable) -> String { (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        func fingerprint(_ secret: String) -> String { secret.isEmpty ? "none" : String(digest(of: [secret]).prefix(8)) }
        var lines = ConfigurationReference.inForce(self).split(separator: "\n").map { String($0) }
        for provider in providers {
            let secrets = provider.allCredentials.map { "\($0.name)=\(fingerprint($0.secret))" }.joined(separator: " ")
            lines.append("provider \(provider.name) private=\(provider.allowsPrivateAddresses) credentials \(secrets)")
        }
        for route in routes {
            let kinds = route.fallBackOn.map(\.rawValue).sorted().joined(separator: ",")
            var shown = route
            shown.fallBackOn = []
            lines.append("route \(route.name) on [\(kinds)] \(shown)")
        }
        lines += prices.map { "price \(json($0))" }
        lines += limitRules.map { "limit \(json($0))" }
        lines += alertSinks.map { "alerts \($0.name) \(fingerprint("\($0)"))" }
        lines.append("runaway \(runaway)")
        return lines
    }
}
