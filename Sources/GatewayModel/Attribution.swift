// Attribution: who a turn is charged to (from the virtual key alone) and which labels it carries (from the request), each
// label with its source, so that a report can say how it knows.

/// Where a label came from, strongest first. The raw value is what the ledger stores.
package enum LabelSource: String, Sendable, Codable, CaseIterable {
    /// An `x-weir-*` header.
    case weirHeader = "weir_header"
    /// A header or body field that the agent sends by itself.
    case agent
    /// A header of another gateway that the client already sends (LiteLLM, Helicone, Portkey, agentcc).
    case foreign
    /// What a client says behind the dot of its key; said once, when the program begins.
    case credential
    /// The virtual key is bound to it.
    case key
    /// W3C baggage or traceparent.
    case baggage
    /// A learned alias (an OpenCode project id that was named once).
    case alias
    /// Generated from key, opener hash and idle gap.
    case inferred
}

/// One label and how it is known.
package struct Label: Sendable, Hashable, Codable {
    package var value: String
    package var source: LabelSource

    package init(_ value: String, _ source: LabelSource) {
        self.value = value
        self.source = source
    }
}

/// The labels of one turn. Nil means unattributed: explicit but invalid gives none, not a fallback.
package struct Attribution: Sendable, Hashable, Codable {
    package var session: Label?
    /// The session of which this one is a sub-agent, title or compaction. Equals no `session`.
    package var parentSession: Label?
    /// The session id that an agent shares among forks, for sticky routing; never the ledger's session.
    package var affinity: String?
    /// The agent's name or kind: `build`, `explore`, `collab_spawn`.
    package var agent: Label?
    /// The id of a sub-agent inside a session (Claude Code's agent id, Codex's thread id).
    package var subAgent: Label?
    /// Normalised remote: `github.com/acme/shop`.
    package var repository: Label?
    package var branch: Label?
    package var commit: Label?
    /// The program that called: `opencode`, `claude-code`, `codex`, `crush`, `aider`, `openai-python`, …
    package var client: String?
    package var clientVersion: String?
    /// An opaque project id that an alias may name later (OpenCode).
    package var project: String?
    /// The agent's own id of the prompt or turn, for joining with its telemetry.
    package var clientTurn: String?
    /// `x-weir-tag-<name>`, what foreign gateways call properties, and `parent_agent` of a nested sub-agent; at most 16.
    package var tags: [String: String] = [:]

    package init() {}
}

/// Who is calling, from the virtual key alone.
package struct Principal: Sendable, Hashable, Codable {
    /// The public key id, ten characters: safe to show.
    package var keyID: String
    package var workspace: String
    package var team: String
    /// The developer's name; nil when the key belongs to a service account.
    package var developer: String?
    package var serviceAccount: String?

    package init(
        keyID: String, workspace: String, team: String, developer: String? = nil, serviceAccount: String? = nil
    ) {
        self.keyID = keyID
        self.workspace = workspace
        self.team = team
        self.developer = developer
        self.serviceAccount = serviceAccount
    }

    /// The name that reports show: the developer, or the service account.
    package var owner: String { developer ?? serviceAccount ?? "" }
}
