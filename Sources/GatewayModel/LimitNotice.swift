// LimitNotice: what is told to whoever a budget or a limit refuses: which one, how much of it is used, when it begins anew, and whom
// to ask. Words only; the arithmetic is `Policy`'s.

/// Why a budget or a limit refuses a turn.
package struct LimitNotice: Sendable, Hashable {
    /// What kind of stop it is, which decides status and code.
    package enum Kind: Sendable, Hashable {
        /// Money, or an allowance of tokens or requests that comes back much later: to ask again is no use.
        case spent
        /// It fits again within a minute: to wait is right.
        case soon
        /// A person must say that the session may go on.
        case paused
    }

    package var kind: Kind
    /// A budget is money, a limit is anything else.
    package var isBudget: Bool
    package var name: String
    /// Whose it is: `team web`, `key k3…, model gpt-5.2`; empty when it is everybody's.
    package var scope: String
    /// `$0.97 of $1.00 used`, `60 of 60 requests a minute used`.
    package var state: String
    /// What the turn asked for: `$0.12`, `8,192 tokens`; nil where that explains nothing.
    package var asked: String?
    package var resets: Timestamp?
    package var retryAfterMilliseconds: Int64?
    /// Whom to ask, as the rule says.
    package var contact: String?
    /// What that person runs to let it go on.
    package var command: String?

    package init(
        kind: Kind, isBudget: Bool, name: String, scope: String, state: String, asked: String? = nil, resets: Timestamp? = nil,
        retryAfterMilliseconds: Int64? = nil, contact: String? = nil, command: String? = nil
    ) {
        self.kind = kind
        self.isBudget = isBudget
        self.name = name
        self.scope = scope
        self.state = state
        self.asked = asked
        self.resets = resets
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.contact = contact
        self.command = command
    }

    /// One line, short enough for an agent to show whole.
    package var message: String {
        let contact = contact.map { short($0, 40) } ?? "your platform team"
        if kind == .paused {
            let text = "Session \"\(short(scope, 60))\" is paused (\(short(name, 40))): \(state). Ask \(contact) to let it go on"
            return text + (command.map { " with `\($0)`." } ?? ".")
        }
        let whose = scope.isEmpty ? "" : " (\(short(scope, 60)))"
        var text = "\(isBudget ? "Budget" : "Limit") \"\(short(name, 40))\"\(whose): \(state)"
        if let asked { text += ", this turn may take \(asked)" }
        text += "."
        if kind == .soon, let milliseconds = retryAfterMilliseconds {
            text += " Try again in \(max(1, (milliseconds + 999) / 1000)) s."
        } else if let resets {
            text += " It begins anew \(resets.rfc3339.prefix(16).replacing("T", with: " ")) UTC."
        }
        text += " Ask \(contact) for more"
        return text + (command.map { " with `\($0)`." } ?? ".")
    }

    private func short(_ text: String, _ max: Int) -> String {
        String(text.unicodeScalars.prefix(max).map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
    }
}
