// Schema: every setting once: its path, its type, its default, its environment variable and a sentence. The parser, the
// reference pages and `weir config check` are made from this list.

import GatewayModel
import Policy

/// One scalar or list setting.
struct Setting: Sendable {
    enum Kind: Sendable {
        case text(any WritableKeyPath<GatewaySettings, String> & Sendable)
        case optionalText(any WritableKeyPath<GatewaySettings, String?> & Sendable)
        case action(any WritableKeyPath<GatewaySettings, RunawayAction> & Sendable)
        case choice(any WritableKeyPath<GatewaySettings, String> & Sendable, [String])
        case number(any WritableKeyPath<GatewaySettings, Int> & Sendable, ClosedRange<Int>)
        case words(any WritableKeyPath<GatewaySettings, [String]> & Sendable, [String])
    }

    var path: String
    var kind: Kind
    var about: String

    /// `limits.json_depth_max` is `WEIR_LIMITS_JSON_DEPTH_MAX`.
    var environment: String { "WEIR_" + path.split(separator: ".").joined(separator: "_").uppercased() }

    init(_ path: String, _ kind: Kind, _ about: String) {
        self.path = path
        self.kind = kind
        self.about = about
    }

    /// The default as the reference shows it.
    var defaultText: String { text(in: GatewaySettings()) }

    /// Its value in some settings.
    func text(in settings: GatewaySettings) -> String {
        switch kind {
        case .text(let path), .choice(let path, _): settings[keyPath: path]
        case .optionalText(let path): settings[keyPath: path] ?? ""
        case .action(let path): settings[keyPath: path].rawValue
        case .number(let path, _): String(settings[keyPath: path])
        case .words(let path, _): "[\(settings[keyPath: path].joined(separator: ", "))]"
        }
    }

    var typeText: String {
        switch kind {
        case .text, .optionalText: "text"
        case .action: RunawayAction.allCases.map(\.rawValue).joined(separator: " or ")
        case .choice(_, let choices): choices.joined(separator: " or ")
        case .number(_, let range): "\(range.lowerBound) to \(range.upperBound)"
        case .words(_, let allowed): "list of \(allowed.joined(separator: ", "))"
        }
    }
}

enum Schema {
    static let general: [Setting] = [
        Setting("listen", .text(\.listen), "Address and port of the gateway."),
        Setting(
            "tls.certificate", .optionalText(\.tlsCertificate), "PEM file of the certificate chain that clients see."),
        Setting("tls.private_key", .optionalText(\.tlsPrivateKey), "PEM file of its private key."),
        Setting(
            "public_url", .optionalText(\.publicURL),
            "Scheme and host by which clients reach the gateway, for what it tells them; unset takes them from each request."),
        Setting(
            "public_models", .choice(\.publicModels, ["no", "yes"]),
            "Whether model names are told to callers without a key (OpenCode releases that cannot send one need it)."),
        Setting("opencode.model", .optionalText(\.openCodeModel), "The model that OpenCode begins with; unset is the first of the key."),
        Setting(
            "opencode.small_model", .optionalText(\.openCodeSmallModel),
            "The model for OpenCode's titles and summaries; unset is the cheapest of the same provider."),
        Setting("login.key_days", .number(\.loginKeyDays, 1...3650), "How long a key from a login lives."),
        Setting("data", .text(\.dataDirectory), "Folder of journal, ledger, control store and admin socket."),
        Setting(
            "journal.sync", .choice(\.journalSync, ["interval", "always"]),
            "`interval`: a record survives the process at once and the machine after the group's fsync; `always`: each step waits for it."
        ),
        Setting(
            "journal.sync_milliseconds", .number(\.journalSyncMilliseconds, 1...1000),
            "How long records wait for their group's fsync."),
        Setting(
            "journal.segment_mebibytes", .number(\.journalSegmentMebibytes, 1...1024),
            "Size of a journal segment; one more is allocated ahead, so that a full disk can still settle what runs."),
        Setting(
            "journal.retention_days", .number(\.journalRetentionDays, 1...3650),
            "How long segments are kept that every projection has passed."),
        Setting(
            "ledger.retention_months", .number(\.ledgerRetentionMonths, 1...240),
            "How long single turns are kept; sums stay. Turns that a budget or limit counts one by one stay for as long as its window."),
        Setting(
            "digests", .choice(\.digests, ["none", "sha256"]), "Whether SHA-256 of both bodies is kept on each turn."),
        Setting(
            "prompt_cache_watch", .choice(\.promptCacheWatch, ["no", "yes"]),
            "Whether a turn whose provider's prompt cache was lost says what changed first; it takes a pass over each body."),
        Setting(
            "require_labels", .words(\.requiredLabels, ["repository", "branch", "session", "agent"]),
            "Labels without which a call is refused."),
        Setting(
            "log.level", .choice(\.logLevel, ["debug", "info", "notice", "warning", "error"]),
            "Least severe log line that is written."),
        Setting("event_loops", .number(\.eventLoops, 0...256), "Event loops of the data plane; 0 is one per core."),
    ]

    static let limits: [Setting] = [
        Setting(
            "limits.request_body_bytes_max", .number(\.limits.requestBodyBytesMax, 1024...1_073_741_824),
            "Bytes of one request body (413)."),
        Setting(
            "limits.header_bytes_max", .number(\.limits.headerBytesMax, 1024...1_048_576),
            "Bytes of one header block (431)."),
        Setting(
            "limits.header_fields_max", .number(\.limits.headerFieldsMax, 10...10_000),
            "Fields of one header block (431)."),
        Setting(
            "limits.header_seconds", .number(\.limits.headerSeconds, 1...600),
            "Seconds for a header block to arrive (408)."),
        Setting(
            "limits.body_idle_seconds", .number(\.limits.bodyIdleSeconds, 1...3600),
            "Seconds between two pieces of a request body (408)."),
        Setting(
            "limits.keep_alive_seconds", .number(\.limits.keepAliveSeconds, 1...86_400),
            "Seconds that an idle client connection stays open."),
        Setting(
            "limits.connect_seconds", .number(\.limits.connectSeconds, 1...600),
            "Seconds to connect to one address of a provider (503)."),
        Setting(
            "limits.first_byte_seconds", .number(\.limits.firstByteSeconds, 1...86_400),
            "Seconds until a provider's response begins (504)."),
        Setting(
            "limits.stream_idle_seconds", .number(\.limits.streamIdleSeconds, 1...86_400),
            "Seconds between two pieces of a response (the stream is cut)."),
        Setting(
            "limits.slow_reader_seconds", .number(\.limits.slowReaderSeconds, 1...86_400),
            "Seconds that a client may take nothing of its stream (it is cut)."),
        Setting(
            "limits.json_depth_max", .number(\.limits.jsonDepthMax, 8...128),
            "Levels of nesting in a request body (400)."),
        Setting(
            "limits.sse_line_bytes_max", .number(\.limits.sseLineBytesMax, 65_536...268_435_456),
            "Bytes of one event; a larger one passes unread."),
        Setting(
            "limits.upstream_connections_per_loop_max", .number(\.limits.upstreamConnectionsPerLoopMax, 1...65_536),
            "Connections per event loop and provider; more requests wait."),
        Setting(
            "limits.upstream_idle_seconds", .number(\.limits.upstreamIdleSeconds, 1...86_400),
            "Seconds that an idle connection to a provider is kept."),
        Setting(
            "limits.upstream_waiters_max", .number(\.limits.upstreamWaitersMax, 0...1_000_000),
            "Requests that may wait for a connection (503)."),
        Setting(
            "limits.drains_max", .number(\.limits.drainsMax, 0...100_000),
            "Streams per event loop that are read to their end after their client has gone."),
        Setting(
            "limits.client_connections_max", .number(\.limits.clientConnectionsMax, 1...1_000_000),
            "Client connections; more are told so (503) and closed."),
        Setting(
            "limits.shutdown_seconds", .number(\.limits.shutdownSeconds, 0...86_400),
            "Seconds that running requests get when Weir stops."),
        Setting(
            "limits.response_cache_bytes_max", .number(\.limits.responseCacheBytesMax, 0...1_099_511_627_776),
            "Bytes of all answers in the exact response cache; what was used longest ago goes first."),
        Setting(
            "limits.response_cache_entry_bytes_max", .number(\.limits.responseCacheEntryBytesMax, 1024...1_073_741_824),
            "Bytes of one answer in it; a larger one is not kept."),
        Setting(
            "limits.signature_store_bytes_max", .number(\.limits.signatureStoreBytesMax, 0...1_099_511_627_776),
            "Bytes of signed thinking that is kept for clients without a place for it; 0 keeps none."),
        Setting(
            "limits.signature_store_seconds", .number(\.limits.signatureStoreSeconds, 1...2_592_000),
            "Seconds that signed thinking is kept."),
    ]

    static let runaway: [Setting] = [
        Setting(
            "runaway.repeated_calls", .action(\.runaway.repeatedCalls),
            "The same tool calls gave the same results over and over: one call, or a cycle of up to four."),
        Setting("runaway.repetitions_max", .number(\.runaway.repetitionsMax, 2...1000), "How often in a row they may."),
        Setting(
            "runaway.growing_context", .action(\.runaway.growingContext),
            "The context grows twofold, without a word of a person, and three quarters of the calls are old ones."),
        Setting("runaway.growing_turns_min", .number(\.runaway.growingTurnsMin, 4...10_000), "For so many turns in a row."),
        Setting(
            "runaway.burn_rate", .action(\.runaway.burnRate),
            "A developer spends many times what is normal for their active hours of the last weeks."),
        Setting("runaway.burn_factor", .number(\.runaway.burnFactor, 2...1000), "So many times."),
        Setting(
            "runaway.burn_usd_per_hour_min", .number(\.runaway.burnUSDPerHourMin, 0...1_000_000), "Below this nothing counts as fast."),
        Setting("runaway.long_session", .action(\.runaway.longSession), "A session goes on for too long."),
        Setting("runaway.session_minutes_max", .number(\.runaway.sessionMinutesMax, 1...525_600), "From its first turn on."),
        Setting("runaway.many_turns", .action(\.runaway.manyTurns), "A session takes too many turns."),
        Setting("runaway.session_turns_max", .number(\.runaway.sessionTurnsMax, 1...1_000_000), "So many are not too many."),
        Setting("runaway.high_cost", .action(\.runaway.highCost), "A session costs too much; turns in flight still come on top."),
        Setting("runaway.session_usd_max", .number(\.runaway.sessionUSDMax, 1...1_000_000), "From so much on."),
        Setting("runaway.throttle_seconds", .number(\.runaway.throttleSeconds, 1...3600), "Between two turns of a throttled session."),
        Setting("runaway.contact", .optionalText(\.runaway.contact), "Whom to ask; refusals say it."),
    ]

    static let all = general + limits + runaway
}
