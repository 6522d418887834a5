// FoundFields: the header fields that say something of attribution, found in one pass.

import GatewayModel
import WireFormat

/// The fields that were found, as positions in the head; text is made only of what is kept.
struct FoundFields {
    /// What a field says. Several names may say the same; the first wins, unless a stronger name has a case of its own.
    enum Meaning: Int {
        case session, parentSession, repository, branch, agent, commit
        case openCodeSession, openCodeAffinity, openCodeParent, openCodeProject, openCodeClient, openCodeRequest
        case affinity, xSessionID, xParentSession
        case claudeSession, claudeAgent, claudeParentAgent, claudePrompt
        case codexSession, codexThread, codexParent, subagentKind, originator
        case foreignSession, foreignTrace, userAgent, baggage
    }

    private var values: [String?] = Array(repeating: nil, count: Meaning.baggage.rawValue + 1)
    private var explicit: UInt64 = 0
    private(set) var codexMetadata: [UInt8]?
    /// What stands behind the dot of the key.
    private(set) var credential = CredentialLabels()
    private var hasCredential = false
    private(set) var tags: [String: String] = [:]

    mutating func take(_ field: HTTPFields.Field, _ fields: HTTPFields) {
        let first = fields.withName(field) { asciiLowercased($0.first ?? 0) }
        switch first {
        case 120: takeX(field, fields)
        case 115:
            if fields.isNamed(field, "session-id") || fields.isNamed(field, "session_id") {
                set(.codexSession, field, fields)
            }
        case 116:
            if fields.isNamed(field, "thread-id") || fields.isNamed(field, "thread_id") {
                set(.codexThread, field, fields)
            }
        case 117: if fields.isNamed(field, "user-agent") { set(.userAgent, field, fields) }
        case 111: if fields.isNamed(field, "originator") { set(.originator, field, fields) }
        case 97:
            if fields.isNamed(field, "authorization") {
                takeCredential(field, fields, start: "bearer ".utf8.count)
            } else if fields.isNamed(field, "api-key") {
                takeCredential(field, fields, start: 0)
            }
        case 98: if fields.isNamed(field, "baggage") { set(.baggage, field, fields) }
        case 104: takeHelicone(field, fields)
        default: break
        }
    }

    private mutating func takeX(_ field: HTTPFields.Field, _ fields: HTTPFields) {
        let count = Int(field.nameCount)
        let isWeir = fields.withName(field) { hasPrefixIgnoringCase($0, "x-weir-") }
        if isWeir {
            takeWeir(field, fields)
            return
        }
        if count == 9 && fields.isNamed(field, "x-api-key") || count == 14 && fields.isNamed(field, "x-goog-api-key") {
            takeCredential(field, fields, start: 0)
            return
        }
        for (name, meaning) in Self.xNames where name.utf8CodeUnitCount == count && fields.isNamed(field, name) {
            set(meaning, field, fields)
            return
        }
        if fields.isNamed(field, "x-codex-turn-metadata"), field.valueCount <= 32_768 {
            codexMetadata = fields.withValue(field) { Array($0) }
        } else if fields.withName(field, { hasPrefixIgnoringCase($0, "x-agentcc-property-") }) {
            tag(String(fields.nameString(field).dropFirst("x-agentcc-property-".count)), field, fields)
        }
    }

    /// Most keys are bare: their length tells, and nothing is looked at.
    private mutating func takeCredential(_ field: HTTPFields.Field, _ fields: HTTPFields, start: Int) {
        let dot = start + VirtualKey.textBytes
        guard Int(field.valueCount) > dot, !hasCredential else { return }
        let found: CredentialLabels? = fields.withValue(field) { value in
            value[dot] == 46 ? CredentialLabels(UnsafeRawBufferPointer(rebasing: value[(dot + 1)...])) : nil
        }
        guard let found else { return }
        credential = found
        hasCredential = true
    }

    private static let xNames: [(StaticString, Meaning)] = [
        ("x-opencode-session-id", .openCodeSession), ("x-opencode-session", .openCodeAffinity),
        ("x-opencode-parent-session-id", .openCodeParent),
        ("x-opencode-project", .openCodeProject), ("x-opencode-client", .openCodeClient),
        ("x-opencode-request", .openCodeRequest), ("x-session-affinity", .affinity), ("x-session-id", .xSessionID),
        ("x-parent-session-id", .xParentSession), ("x-claude-code-session-id", .claudeSession),
        ("x-claude-code-agent-id", .claudeAgent), ("x-claude-code-parent-agent-id", .claudeParentAgent),
        ("x-claude-code-prompt-id", .claudePrompt),
        ("x-codex-parent-thread-id", .codexParent), ("x-openai-subagent", .subagentKind),
        ("x-litellm-session-id", .foreignSession), ("x-agentcc-session-id", .foreignSession),
        ("x-portkey-trace-id", .foreignTrace), ("x-agentcc-trace-id", .foreignTrace),
    ]

    private static let ownNames: [(StaticString, Meaning)] = [
        ("x-weir-session", .session), ("x-weir-parent-session", .parentSession), ("x-weir-repo", .repository),
        ("x-weir-branch", .branch), ("x-weir-agent", .agent), ("x-weir-commit", .commit),
    ]

    private mutating func takeWeir(_ field: HTTPFields.Field, _ fields: HTTPFields) {
        for (name, meaning) in Self.ownNames where fields.isNamed(field, name) {
            explicit |= 1 << UInt64(meaning.rawValue)
            set(meaning, field, fields)
            return
        }
        let name = fields.nameString(field)
        if name.hasPrefix("x-weir-tag-") { tag(String(name.dropFirst("x-weir-tag-".count)), field, fields) }
    }

    private mutating func takeHelicone(_ field: HTTPFields.Field, _ fields: HTTPFields) {
        if fields.isNamed(field, "helicone-session-id") {
            set(.foreignSession, field, fields)
        } else if fields.isNamed(field, "helicone-user-id") {
            tag("user", field, fields)
        } else if fields.withName(field, { hasPrefixIgnoringCase($0, "helicone-property-") }) {
            tag(String(fields.nameString(field).dropFirst("helicone-property-".count)), field, fields)
        }
    }

    private mutating func set(_ meaning: Meaning, _ field: HTTPFields.Field, _ fields: HTTPFields) {
        guard values[meaning.rawValue] == nil, let text = fields.valueString(field) else { return }
        values[meaning.rawValue] = text
    }

    private mutating func tag(_ name: String, _ field: HTTPFields.Field, _ fields: HTTPFields) {
        guard tags.count < AttributionReader.tagsMax, !name.isEmpty, name.utf8.count <= 64,
            let text = fields.valueString(field).flatMap(AttributionReader.label)
        else { return }
        tags[name] = text
    }

    // MARK: What was found

    func isExplicit(_ meaning: Meaning) -> Bool { explicit & (1 << UInt64(meaning.rawValue)) != 0 }

    func text(_ meaning: Meaning) -> String? { values[meaning.rawValue].flatMap(AttributionReader.label) }

    /// Weir's own header; nil when it is absent or invalid.
    func own(_ meaning: Meaning) -> Label? { text(meaning).map { Label($0, .weirHeader) } }

    func labelled(_ meaning: Meaning, _ source: LabelSource) -> Label? { text(meaning).map { Label($0, source) } }

    /// One member of the W3C baggage field.
    func baggageText(_ name: String) -> String? {
        guard let all = values[Meaning.baggage.rawValue] else { return nil }
        for part in all.split(separator: ",").prefix(64) {
            let pair = part.split(separator: ";").first?.split(separator: "=", maxSplits: 1) ?? []
            guard pair.count == 2, pair[0].filter({ $0 != " " }) == name else { continue }
            // Percent-encoded (W3C Baggage, section 3.3.1.3).
            return percentDecoded(pair[1].utf8.filter { $0 != 32 }).flatMap(AttributionReader.label)
        }
        return nil
    }

    func baggage(_ name: String) -> Label? { baggageText(name).map { Label($0, .baggage) } }
}

/// What Codex says of its workspace in `x-codex-turn-metadata`, and again in the body's `client_metadata`.
struct CodexMetadata {
    var repository: String?
    var branch: String?
    var commit: String?
    var session: String?
    var thread: String?

    mutating func read(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { read($0) }
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { member in
            guard member.isNamed("workspaces"), member.kind == .object else { return }
            visitJSONMembers(member.value) { workspace in
                guard repository == nil, workspace.kind == .object else { return }
                readWorkspace(workspace.value)
            }
        }
    }

    private mutating func readWorkspace(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { field in
            if field.isNamed("associated_remote_urls"), field.kind == .object {
                visitJSONMembers(field.value) { remote in
                    guard let url = remote.string else { return }
                    if remote.isNamed("origin") || repository == nil {
                        repository = normaliseRepository(url) ?? repository
                    }
                }
            }
            if field.isNamed("latest_git_commit_hash") { commit = field.string }
            if field.isNamed("branch") || field.isNamed("git_branch") { branch = field.string }
        }
    }

    /// The body's copy is a string of JSON inside the object, beside the ids that are headers too.
    mutating func readClientMetadata(_ bytes: UnsafeRawBufferPointer) {
        visitJSONMembers(bytes) { member in
            if member.isNamed("session_id") { session = member.string }
            if member.isNamed("thread_id") { thread = member.string }
            if member.isNamed("x-codex-turn-metadata"), let text = member.string { read(Array(text.utf8)) }
        }
    }
}
