// ModelPrices: list prices as a person reads them, USD per million tokens, turned into exact rows.

import GatewayModel

/// The list prices of one model from one day on. Amounts are decimal text in USD per million tokens, so nothing is rounded.
struct ModelPrices {
    var models: [String]
    var input: String?
    var cacheRead: String?
    /// The shorter-lived cache write: 5 minutes at Anthropic, 30 minutes at OpenAI.
    var cacheWrite: String?
    /// The longer-lived one: 1 hour at Anthropic, 12 hours at OpenAI.
    var cacheWriteLong: String?
    var audioInput: String?
    var output: String?
    var from: String?
    var to: String?

    init(
        _ models: String..., input: String? = nil, read: String? = nil, write: String? = nil, long: String? = nil,
        audio: String? = nil, output: String? = nil, from: String? = nil, to: String? = nil
    ) {
        self.models = models
        self.input = input
        cacheRead = read
        cacheWrite = write
        cacheWriteLong = long
        audioInput = audio
        self.output = output
        self.from = from
        self.to = to
    }

    /// The same models and dates at other figures: what a list prints for a tier of its own.
    func listed(_ input: String, read: String? = nil, output: String) -> ModelPrices {
        var prices = self
        prices.input = input
        prices.cacheRead = read
        prices.output = output
        return prices
    }
}

/// Which turns a set of prices is for.
struct PriceScope: Hashable {
    var contextOver: Int64?
    var serviceTier: String?
    var speed: String?
    var geo: String?
    var hours: WeeklyHours?
}

/// Rows of one provider, collected from its tables.
struct PriceTable {
    let provider: String
    /// What `cacheWrite` and `cacheWriteLong` mean here.
    let short: Meter
    let long: Meter
    private(set) var rows: [PriceRow] = []

    init(_ provider: String, short: Meter = .cacheWrite5m, long: Meter = .cacheWrite1h) {
        self.provider = provider
        self.short = short
        self.long = long
    }

    /// Adds the rows of one scope. A rule's ratio multiplies the input side and the output side.
    mutating func add(
        _ prices: ModelPrices, _ scope: PriceScope = PriceScope(), times: Ratio = .one, output: Ratio? = nil,
        cacheRead: Ratio? = nil
    ) {
        let amounts: [(Meter, String?, Ratio)] = [
            (.input, prices.input, times), (.cacheRead, prices.cacheRead, cacheRead ?? times),
            (short, prices.cacheWrite, times), (long, prices.cacheWriteLong, times),
            (.audioInput, prices.audioInput, times), (.output, prices.output, output ?? times),
        ]
        for model in prices.models {
            for (meter, amount, ratio) in amounts {
                guard let price = amount.flatMap(nanoUSDPerMillion).flatMap(ratio.exactly(times:)) else { continue }
                rows.append(
                    PriceRow(
                        provider: provider, model: model, meter: meter, price: price, contextOver: scope.contextOver,
                        serviceTier: scope.serviceTier, speed: scope.speed, geo: scope.geo,
                        validFrom: prices.from.flatMap(Timestamp.init(rfc3339:)),
                        validTo: prices.to.flatMap(Timestamp.init(rfc3339:)), source: "list", hours: scope.hours))
            }
        }
    }

    /// Adds a price per thousand calls, of a model or of a pattern.
    mutating func add(_ meter: Meter, of model: String, usdPerThousandCalls: String) {
        guard let price = nanoUSDPerMillion(usdPerThousandCalls) else { return }
        rows.append(PriceRow(provider: provider, model: model, meter: meter, price: price, source: "list"))
    }
}
