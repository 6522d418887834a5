// PriceRow: one dated price of one meter of one model. Rows are data; `Providers` holds the list and the arithmetic.

/// What a price is for.
package enum Meter: String, Sendable, Codable, CaseIterable {
    case input
    case cacheRead = "cache_read"
    case cacheWrite5m = "cache_write_5m"
    case cacheWrite30m = "cache_write_30m"
    case cacheWrite1h = "cache_write_1h"
    case cacheWrite12h = "cache_write_12h"
    case output
    case audioInput = "audio_input"
    case audioOutput = "audio_output"
    case imageInput = "image_input"
    case imageOutput = "image_output"
    case webSearch = "web_search"
    case webFetch = "web_fetch"

    /// Tokens are priced per million, calls per thousand.
    package var isPerCall: Bool { self == .webSearch || self == .webFetch }
}

/// One price. Tokens: nano-USD per 1,000,000 tokens. Calls: nano-USD per 1,000 calls.
package struct PriceRow: Sendable, Hashable, Codable {
    /// The catalogue provider: `openai`, `anthropic`, or a configured provider's name.
    package var provider: String
    /// A model id, or a pattern with a trailing `*`.
    package var model: String
    package var meter: Meter
    /// nano-USD per million tokens, or per thousand calls.
    package var price: Int64
    /// Applies when the turn's total input is over this many tokens; nil is the base tier.
    package var contextOver: Int64?
    /// `flex`, `batch`, `priority`, …; nil is the default tier.
    package var serviceTier: String?
    /// Anthropic's `fast`; nil is standard.
    package var speed: String?
    /// The inference geography that it holds for; nil is any.
    package var geo: String?
    package var validFrom: Timestamp?
    package var validTo: Timestamp?
    /// Where the figure comes from: `list`, `config`, `litellm`, `models.dev`, `genai-prices`.
    package var source: String
    /// The hours that it holds in; nil is always. A row with hours goes before one without.
    package var hours: WeeklyHours?

    package init(
        provider: String, model: String, meter: Meter, price: Int64, contextOver: Int64? = nil,
        serviceTier: String? = nil, speed: String? = nil, geo: String? = nil, validFrom: Timestamp? = nil,
        validTo: Timestamp? = nil, source: String, hours: WeeklyHours? = nil
    ) {
        self.provider = provider
        self.model = model
        self.meter = meter
        self.price = price
        self.contextOver = contextOver
        self.serviceTier = serviceTier
        self.speed = speed
        self.geo = geo
        self.validFrom = validFrom
        self.validTo = validTo
        self.source = source
        self.hours = hours
    }
}
