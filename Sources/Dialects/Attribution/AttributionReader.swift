// AttributionReader: the labels of a request, strongest source first, each with its source. Identity never comes from here:
// these headers are the client's own words inside its key's scope.

package import GatewayModel
package import WireFormat

/// Reads attribution from a request.
package enum AttributionReader {
    /// A label's length, in bytes.
    static let labelBytesMax = 256
    static let tagsMax = 16

    /// One pass over the fields, then the body's own ids, then the key's binding.
    package static func read(
        fields: HTTPFields, request: RequestHead, body: UnsafeRawBufferPointer, key: VirtualKey
    ) -> Attribution {
        var found = FoundFields()
        for field in fields.list { found.take(field, fields) }
        var result = Attribution()
        readClient(found, &result)
        readSession(found, request, body, &result)
        readRepository(found, request, body, key, &result)
        result.agent = found.own(.agent)
        if !found.isExplicit(.agent) {
            result.agent = found.labelled(.subagentKind, .agent) ?? said(found.credential.agent)
        }
        result.subAgent = result.subAgent ?? subAgent(found)
        result.affinity = found.text(.affinity) ?? found.text(.openCodeAffinity)
        result.project = found.text(.openCodeProject)
        result.clientTurn = found.text(.claudePrompt) ?? found.text(.openCodeRequest)
        result.tags = found.tags
        if let parent = parentAgent(found), result.tags.count < tagsMax { result.tags["parent_agent"] = parent }
        return result
    }

    private static func readSession(
        _ found: FoundFields, _ request: RequestHead, _ body: UnsafeRawBufferPointer, _ result: inout Attribution
    ) {
        result.session = found.own(.session)
        if result.session == nil, !found.isExplicit(.session) {
            result.session = ownSession(found, request, body, &result)
            if result.session == nil {
                result.session =
                    found.labelled(.foreignSession, .foreign) ?? found.labelled(.foreignTrace, .foreign)
                    ?? said(found.credential.session) ?? found.baggage("session.id")
            }
        }
        result.parentSession = found.own(.parentSession)
        if result.parentSession == nil, !found.isExplicit(.parentSession) {
            result.parentSession =
                found.labelled(.openCodeParent, .agent) ?? found.labelled(.xParentSession, .agent)
                ?? codexParentSession(found) ?? said(found.credential.parentSession)
        }
        if result.parentSession?.value == result.session?.value { result.parentSession = nil }
    }

    /// The session that the agent names by itself, the exact id before one that forks share.
    private static func ownSession(
        _ found: FoundFields, _ request: RequestHead, _ body: UnsafeRawBufferPointer, _ result: inout Attribution
    ) -> Label? {
        if let session = found.text(.openCodeSession) ?? found.text(.claudeSession) ?? found.text(.codexSession) {
            return Label(session, .agent)
        }
        if let session = codexSession(request, body, &result) ?? claudeSession(request.metadataUserID) { return session }
        return found.labelled(.xSessionID, .agent) ?? found.labelled(.affinity, .agent)
            ?? found.labelled(.openCodeAffinity, .agent)
    }

    /// Codex's sub-agents keep the session and get threads of their own, so a parent thread is a parent session only
    /// where thread and session are one.
    private static func codexParentSession(_ found: FoundFields) -> Label? {
        if let session = found.text(.codexSession), let thread = found.text(.codexThread), session != thread {
            return nil
        }
        return found.labelled(.codexParent, .agent)
    }

    /// Codex says its ids in the body too, where a proxy on the way has lost the headers.
    private static func codexSession(
        _ request: RequestHead, _ body: UnsafeRawBufferPointer, _ result: inout Attribution
    ) -> Label? {
        guard let range = request.clientMetadata, range.upperBound <= body.count else { return nil }
        var codex = CodexMetadata()
        codex.readClientMetadata(UnsafeRawBufferPointer(rebasing: body[range]))
        guard let session = codex.session.flatMap({ label($0) }) else { return nil }
        if let thread = codex.thread.flatMap({ label($0) }), thread != session { result.subAgent = Label(thread, .agent) }
        return Label(session, .agent)
    }

    /// Claude Code puts JSON into `metadata.user_id`; other clients put anything there.
    private static func claudeSession(_ userID: String?) -> Label? {
        guard var userID, userID.utf8.first == 123 else { return nil }
        var session: String?
        userID.withUTF8 { bytes in
            visitJSONMembers(UnsafeRawBufferPointer(bytes)) { if $0.isNamed("session_id") { session = $0.string } }
        }
        return session.flatMap { label($0) }.map { Label($0, .agent) }
    }

    private static func subAgent(_ found: FoundFields) -> Label? {
        if let agent = found.labelled(.claudeAgent, .agent) { return agent }
        // Codex names a thread on every request; it is a sub-agent only where the thread is not the session itself.
        guard found.text(.codexParent) != nil || found.text(.subagentKind) != nil else { return nil }
        return found.labelled(.codexThread, .agent)
    }

    /// The sub-agent that began a nested one; nil where the session itself did.
    private static func parentAgent(_ found: FoundFields) -> String? {
        if let parent = found.text(.claudeParentAgent) { return parent }
        guard let parent = found.text(.codexParent), parent != found.text(.codexSession) else { return nil }
        return found.text(.codexSession).map { _ in parent }
    }

    private static func readRepository(
        _ found: FoundFields, _ request: RequestHead, _ body: UnsafeRawBufferPointer, _ key: VirtualKey,
        _ result: inout Attribution
    ) {
        result.branch = found.own(.branch)
        result.commit = found.own(.commit)
        if found.isExplicit(.repository) {
            result.repository = found.text(.repository).flatMap(repositoryLabel).map { Label($0, .weirHeader) }
        } else {
            var codex = CodexMetadata()
            if let metadata = found.codexMetadata {
                codex.read(metadata)
            } else if let range = request.clientMetadata, range.upperBound <= body.count {
                codex.readClientMetadata(UnsafeRawBufferPointer(rebasing: body[range]))
            }
            result.repository = codex.repository.map { Label($0, .agent) }
            if !found.isExplicit(.branch) {
                result.branch = codex.branch.flatMap { label($0) }.map { Label($0, .agent) }
            }
            if !found.isExplicit(.commit) {
                result.commit = codex.commit.flatMap { label($0) }.map { Label($0, .agent) }
            }
            result.repository =
                result.repository ?? said(found.credential.repository) ?? key.repository.map { Label($0, .key) }
            if result.repository == nil {
                result.repository = found.baggageText("vcs.repository").flatMap(normaliseRepository).map {
                    Label($0, .baggage)
                }
            }
        }
        guard found.credential.describes(result.repository?.value) else { return }
        if result.branch == nil, !found.isExplicit(.branch) {
            result.branch = said(found.credential.branch)
        }
        if result.commit == nil, !found.isExplicit(.commit) {
            result.commit = said(found.credential.commit)
        }
    }

    /// What stood behind the dot of the key.
    private static func said(_ text: String?) -> Label? { text.map { Label($0, .credential) } }

    private static func readClient(_ found: FoundFields, _ result: inout Attribution) {
        let agent = found.text(.userAgent) ?? ""
        let product = agent.utf8.drop { $0 == 32 }.prefix { $0 != 32 }
        let nameEnd = product.firstIndex(of: 47) ?? product.endIndex
        let name = String(decoding: product[..<nameEnd].map(asciiLowercased), as: UTF8.self)
        let versionStart = nameEnd == product.endIndex ? nameEnd : product.index(after: nameEnd)
        let version = versionStart == product.endIndex ? nil : String(decoding: product[versionStart...], as: UTF8.self)
        if let originator = found.text(.originator), originator.hasPrefix("codex") {
            result.client = "codex"
        } else if name.hasPrefix("codex") {
            result.client = "codex"
        } else if name == "claude-cli" {
            result.client = "claude-code"
        } else if name.hasPrefix("opencode") || found.text(.openCodeClient) != nil {
            result.client = "opencode"
        } else if name == "openai" || name == "asyncopenai" || name == "anthropic" || name == "asyncanthropic" {
            let language = version?.lowercased().split(separator: "/").first.map(String.init) ?? ""
            result.client =
                "\(name.replacingPrefix("async"))-\(language == "python" || language == "js" ? language : "sdk")"
            result.clientVersion = agent.split(separator: " ").last.map(String.init).flatMap { label($0) }
            return
        } else {
            result.client = name.isEmpty ? nil : String(name.prefix(40))
        }
        result.clientVersion = version.flatMap { label($0) }
    }

    /// A value fit to be a label: not empty, not too long, without control characters (C1 among them: terminals obey those).
    static func label(_ text: String) -> String? {
        guard !text.isEmpty, text.utf8.count <= labelBytesMax else { return nil }
        if text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) { return text }
        return text.unicodeScalars.allSatisfy { $0.value >= 32 && !(127...159).contains($0.value) } ? text : nil
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
