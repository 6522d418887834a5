// ResponseDirectory: who made a stored response and where it lives. Ids are not rewritten; they are remembered, so that a
// retrieve goes to the account that made it and nobody reads another's.

package import GatewayModel
import Synchronization

/// The maker of a stored response.
package struct ResponseOwner: Sendable, Hashable {
    package var principal: Principal
    /// The provider's configured name.
    package var provider: String

    package init(principal: Principal, provider: String) {
        self.principal = principal
        self.provider = provider
    }

    /// The same developer or service account in the same workspace, whichever key they use.
    func isOwned(by other: Principal) -> Bool {
        principal.workspace == other.workspace && principal.developer == other.developer
            && principal.serviceAccount == other.serviceAccount
    }
}

/// Recent response ids in memory, older ones in the ledger.
final class ResponseDirectory: Sendable {
    private struct Store {
        var owners: [String: ResponseOwner] = [:]
        var order: [String] = []
        var next = 0
    }

    private let store = Mutex(Store())
    private let countMax: Int
    /// Asks the ledger for what is no longer in memory.
    let lookUp: @Sendable (String) async -> ResponseOwner?

    init(countMax: Int = 50_000, lookUp: @escaping @Sendable (String) async -> ResponseOwner?) {
        self.countMax = countMax
        self.lookUp = lookUp
    }

    func remember(_ id: String, _ owner: ResponseOwner) {
        store.withLock { store in
            guard store.owners.updateValue(owner, forKey: id) == nil else { return }
            if store.order.count < countMax {
                store.order.append(id)
            } else {
                store.owners[store.order[store.next]] = nil
                store.order[store.next] = id
                store.next = (store.next + 1) % countMax
            }
        }
    }

    func owner(of id: String) -> ResponseOwner? {
        store.withLock { $0.owners[id] }
    }
}
