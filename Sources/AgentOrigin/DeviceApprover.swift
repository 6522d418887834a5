// DeviceApprover: who says that a device may have a key, and for whom. Invitations do today; single sign-on will be another type behind
// the same page. An administrator decides through the admin API, beside it.

package import Identity
package import Storage

/// What a person shows on the page.
package struct ApprovalProof: Sendable {
    package var invitation: String

    package init(invitation: String) { self.invitation = invitation }
}

/// Decides about a login that waits.
package protocol DeviceApprover: Sendable {
    /// The approved login, with its developer and team; nil when the proof shows nothing. It is stored before this returns.
    func approve(_ grant: DeviceGrantRow, _ proof: ApprovalProof) async throws -> DeviceGrantRow?
}

/// Approves by a one-time invitation code.
package struct InvitationApprover: DeviceApprover {
    private let directory: Directory

    package init(directory: Directory) { self.directory = directory }

    package func approve(_ grant: DeviceGrantRow, _ proof: ApprovalProof) async throws -> DeviceGrantRow? {
        try directory.approveDevice(grant, invitation: proof.invitation)
    }
}
