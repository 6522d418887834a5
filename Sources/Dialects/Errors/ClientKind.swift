// ClientKind: which agent is calling, where that decides how a refusal must look to be understood.

package import WireFormat

/// The agents whose retry rules differ (`docs/clients`).
package enum ClientKind: Sendable, Hashable, CaseIterable {
    case codex, claudeCode, openCode, other

    package init(fields: HTTPFields) {
        if let field = fields.first("originator"), fields.withValue(field, { $0.starts(with: "codex".utf8) }) {
            self = .codex
            return
        }
        guard let field = fields.first("user-agent") else {
            self = .other
            return
        }
        self = fields.withValue(field) { value in
            if value.starts(with: "codex".utf8) { return .codex }
            if value.starts(with: "claude-cli".utf8) { return .claudeCode }
            return value.starts(with: "opencode".utf8) ? .openCode : .other
        }
    }
}
