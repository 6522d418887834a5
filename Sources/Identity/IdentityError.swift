// IdentityError: what an administrator can do wrong, with the mend.

/// A refusal of the control plane.
package struct IdentityError: Error, Sendable, Hashable {
    /// What the caller should make of it.
    package enum Kind: Sendable, Hashable {
        case invalid, notFound, conflict, unavailable
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var mend: String

    package init(_ kind: Kind, _ code: String, _ message: String, mend: String) {
        self.kind = kind
        self.code = code
        self.message = message
        self.mend = mend
    }
}
