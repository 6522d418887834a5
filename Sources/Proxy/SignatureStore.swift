// SignatureStore: signed thinking of translated answers, kept for clients whose dialect has no place for it. In memory, bounded, for a
// day; by tenant and session, so that nobody gets another's.

import Dialects
import GatewayModel
import Policy
import Synchronization

/// What a signed turn is found by.
struct SignatureKey: Hashable, Sendable {
    /// Workspace and owner: a developer keeps it over a change of key.
    var tenant: String
    var session: String
    /// Of a call, or of the text.
    var name: String

    init(_ principal: Principal, session: String?, name: String) {
        let owner = principal.developer.map { "d " + $0 } ?? "s " + (principal.serviceAccount ?? "")
        tenant = "\(principal.workspace)\n\(owner)"
        self.session = session ?? ""
        self.name = name
    }
}

/// A signed turn with who made it.
final class StoredSignature: Sendable {
    let turn: SignedTurn
    /// The provider's configured name: another account refuses its signatures.
    let provider: String

    init(_ turn: SignedTurn, provider: String) {
        self.turn = turn
        self.provider = provider
    }
}

/// The signed turns of all tenants, shared by the event loops. Only translated turns come here.
final class SignatureStore: Sendable {
    private let shelf = Mutex(CacheShelf<SignatureKey, StoredSignature>(bytesMax: Limits().signatureStoreBytesMax))

    func keep(_ stored: StoredSignature, _ keys: [SignatureKey], limits: Limits, at now: Timestamp) {
        shelf.withLock { shelf in
            if shelf.bytesMax != limits.signatureStoreBytesMax { shelf.setBytesMax(limits.signatureStoreBytesMax) }
            for key in keys {
                // Each name holds the whole alive, so each counts it.
                shelf.put(key, stored, bytes: stored.turn.bytes, at: now, seconds: limits.signatureStoreSeconds)
            }
        }
    }

    func find(_ key: SignatureKey, at now: Timestamp) -> StoredSignature? {
        shelf.withLock { $0.find(key, at: now, storedAfter: Timestamp(nanoseconds: .min)) }
    }
}

/// Providers make ids of calls that never come twice. A text may: without a session two conversations of one owner would share it.
private func isKept(_ name: String, _ session: String?) -> Bool { session != nil || name.hasPrefix(SignedTurn.callPrefix) }

extension Exchange {
    /// A session that the client named; one that was guessed may be guessed otherwise next time.
    private var namedSession: String? {
        guard let session = turn?.record.attribution.session ?? sessionLabel, session.source != .inferred else { return nil }
        return session.value
    }

    /// Puts signed thinking back that the client had no place for. The request is about to be said in `dialect`.
    func restoreSignatures(_ request: inout CanonicalRequest, for dialect: Dialect) {
        guard let principal = key?.value.principal, request.messages.contains(where: { $0.role == .assistant }),
            dialect.wantsSignaturesAlways || request.reasoning.map({ !$0.isOff }) ?? false
        else { return }
        let (session, maker, store, now) = (namedSession, provider?.provider.name, loop.shared.signatures, received)
        request.restoreSignatures { name in
            guard isKept(name, session) else { return nil }
            return store.find(SignatureKey(principal, session: session, name: name), at: now).map { ($0.turn, $0.provider == maker) }
        }
    }

    /// Keeps the signed thinking of an answer that is whole.
    func keepSignatures(_ translation: TurnTranslation) {
        guard let signed = translation.signedTurn, let turn, (200..<300).contains(turn.record.status) else { return }
        let (principal, session) = (turn.record.principal, namedSession)
        let names = signed.names.filter { isKept($0, session) }
        guard !names.isEmpty else { return }
        loop.shared.signatures.keep(
            StoredSignature(signed, provider: turn.record.provider),
            names.map { SignatureKey(principal, session: session, name: $0) }, limits: snapshot.limits, at: received)
    }
}
