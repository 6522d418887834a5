// TurnRecord: everything the ledger keeps of one turn. `turn.settled` in the journal carries exactly these fields, so the
// ledger row, the rollups, the exports and the audit leaf are all projections of one record.

/// What marks a turn in the ledger.
package struct TurnFlags: OptionSet, Sendable, Hashable, Codable {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// Usage or cost was estimated, whole or in part.
    package static let estimated = TurnFlags(rawValue: 1)
    /// No price was known; the cost is not zero but unknown.
    package static let unpriced = TurnFlags(rawValue: 2)
    package static let translated = TurnFlags(rawValue: 4)
    package static let dropped = TurnFlags(rawValue: 8)
    /// The client went away before the end.
    package static let cancelled = TurnFlags(rawValue: 16)
    /// The upstream was read to its end after the client had gone.
    package static let drained = TurnFlags(rawValue: 32)
    /// The upstream ended without its terminal event.
    package static let truncated = TurnFlags(rawValue: 64)
    /// Settled by recovery after a crash, at the larger of what was seen and the reserved bound.
    package static let recovered = TurnFlags(rawValue: 128)
    /// The provider's numbers did not add up (a class would have been negative, a cache split did not sum).
    package static let inconsistent = TurnFlags(rawValue: 256)
    /// The session was generated, not sent.
    package static let sessionInferred = TurnFlags(rawValue: 512)
    /// Cost was computed again by `weir price rerate`.
    package static let rerated = TurnFlags(rawValue: 1024)
    /// It used more than what a strict budget or limit had reserved for it.
    package static let overReserved = TurnFlags(rawValue: 2048)
    /// It was answered from the exact response cache; no provider was asked.
    package static let cached = TurnFlags(rawValue: 4096)
    /// It never went to a provider, or its last try did not: no limit counts it as a request.
    package static let unsent = TurnFlags(rawValue: 8192)
    /// A try before the one that served it used tokens, which limits count: its line in `tries` says how many.
    package static let spentTries = TurnFlags(rawValue: 16384)
    /// Of a reservation: another try of the turn is at its provider. No settled turn has it.
    package static let hedging = TurnFlags(rawValue: 32768)
    /// It has no price, and the sums of limits hold what was reserved for it. Unpriced turns of older versions are not in them.
    package static let held = TurnFlags(rawValue: 65536)

    /// Flag names in bit order, as the API shows them.
    package static let names = [
        "estimated", "unpriced", "translated", "dropped", "cancelled", "drained", "truncated", "recovered",
        "inconsistent", "session_inferred", "rerated", "over_reserved", "cached", "unsent", "spent_tries", "hedging",
        "held",
    ]

    package var names: [String] {
        Self.names.enumerated().compactMap { rawValue & (1 << Int64($0.offset)) != 0 ? $0.element : nil }
    }
}

/// One attempt at an upstream.
package struct UpstreamTry: Sendable, Hashable, Codable {
    /// `provider/model`.
    package var deployment: String
    /// The HTTP status, or 0 when no response head came.
    package var status: Int
    /// A stable error class, nil when the try succeeded: `connect`, `first_byte_timeout`, `reset`, `http_5xx`, …
    package var error: String?
    /// From the try's start to its response head or failure.
    package var microseconds: Int64
    /// What it cost, which is a part of the turn's cost: a provider that broke off may have billed what nobody got.
    package var cost: NanoUSD
    /// Which of the provider's credentials it went out with, where there are several.
    package var credential: String?
    /// Tokens that it used although another try served the turn; the turn's own usage does not hold them.
    package var inputTokens: Int64?
    package var outputTokens: Int64?

    enum CodingKeys: String, CodingKey {
        case deployment, status, error, microseconds
        case cost = "cost_nano_usd"
        case credential
        case inputTokens = "input_tokens"
        case outputTokens = "output_tokens"
    }

    package init(
        deployment: String, status: Int, error: String?, microseconds: Int64, cost: NanoUSD = .zero, credential: String? = nil
    ) {
        self.deployment = deployment
        self.status = status
        self.error = error
        self.microseconds = microseconds
        self.cost = cost
        self.credential = credential
    }
}

/// One request and its response, as the ledger keeps it.
package struct TurnRecord: Sendable, Hashable, Codable {
    package var requestID: RequestID
    package var principal: Principal
    package var attribution: Attribution
    package var endpoint: Endpoint
    package var stream: Bool = false

    /// The model as the client named it.
    package var modelAsked: String
    /// The provider's configured name, empty when none was chosen.
    package var provider: String = ""
    /// The model id that was sent upstream.
    package var model: String = ""
    /// The model id that the response named, when it did.
    package var modelServed: String?
    package var snapshotVersion: Int64 = 0
    /// The catalogue version whose rows priced this turn; nil while unpriced.
    package var priceVersion: String?
    package var tries: [UpstreamTry] = []
    /// What a route decided, once at most. Few turns have one, and an array without elements costs a word.
    package var routing: [RouteDecision] = []

    package var usage = TokenUsage()
    package var usageSource: UsageSource = .none
    package var qualifiers = UsageQualifiers()
    /// The provider's own usage JSON, verbatim; at most 8 KiB.
    package var rawUsage: String?
    package var reserved: NanoUSD = .zero
    package var cost: NanoUSD = .zero
    package var flags: TurnFlags = []

    /// The HTTP status that the client got; 0 when it went before any.
    package var status: Int = 0
    /// A stable class: `client_closed`, `upstream_truncated`, `upstream_error`, `invalid_api_key`, …
    package var errorClass: String?
    package var finishReason: String?
    package var toolCalls: Int = 0
    /// The provider's response id, when it gave one (`chatcmpl-…`, `resp_…`, `msg_…`).
    package var responseID: String?
    /// The provider's own request id header.
    package var upstreamRequestID: String?

    package var received: Timestamp
    package var sent: Timestamp?
    package var firstByte: Timestamp?
    package var lastByte: Timestamp?
    /// Weir's own time before the request went upstream, in microseconds.
    package var overheadMicroseconds: Int64 = 0

    package var bytesIn: Int64 = 0
    package var bytesOut: Int64 = 0
    /// SHA-256 in hex of the request body as received and of the response body as sent, when digests are on.
    package var digestIn: String?
    package var digestOut: String?
    /// A hash of the first user message: what an inferred session is keyed by, and what finds re-sent requests.
    package var bodyHash: UInt64 = 0
    /// The budgets and limits that held for it, the most specific first; empty until it is settled or refused.
    package var limits: [LimitTrace] = []
    /// Where its answer was kept, of a turn that the cache answered; one at most, as with `routing`.
    package var cached: [CachedAnswer] = []
    /// What its prompt cache lost, where that is watched and was so; one at most.
    package var prefix: [PrefixBreak] = []

    package init(
        requestID: RequestID, principal: Principal, attribution: Attribution, endpoint: Endpoint, modelAsked: String,
        received: Timestamp
    ) {
        self.requestID = requestID
        self.principal = principal
        self.attribution = attribution
        self.endpoint = endpoint
        self.modelAsked = modelAsked
        self.received = received
    }

    /// What finance sees as the deployment: `provider/model`.
    package var deployment: String { provider.isEmpty ? "" : provider + "/" + model }
}
