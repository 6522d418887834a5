// BilledUse: how a turn's usage falls into what providers price: which class is charged by which meter.

package import GatewayModel

/// A class of tokens or calls, named as the ledger and the usage documents name it.
package enum UsageClass: String, Sendable, Codable, CaseIterable {
    case input
    case cacheRead = "cache_read"
    case cacheWrite5m = "cache_write_5m"
    case cacheWrite30m = "cache_write_30m"
    case cacheWrite1h = "cache_write_1h"
    case cacheWrite12h = "cache_write_12h"
    case cacheWriteUnknown = "cache_write_unknown"
    case toolPrompt = "tool_prompt"
    case output
    case reasoning
    case audioInput = "audio_input"
    case imageInput = "image_input"
    case audioOutput = "audio_output"
    case imageOutput = "image_output"
    case webSearches = "web_searches"
    case webFetches = "web_fetches"
}

/// One quantity that is charged.
struct BilledUse {
    var usageClass: UsageClass
    var meter: Meter
    /// Tokens, or calls.
    var quantity: Int64
}

/// Visits what a usage is charged for. Audio and images are parts of input and output: they leave their whole only where they
/// have a price of their own. Reasoning is a part of output at output's price, so it is never named here.
@inline(__always)
func forEachBilledUse(of usage: TokenUsage, hasPrice: (Meter) -> Bool, _ body: (BilledUse) -> Void) {
    func use(_ usageClass: UsageClass, _ meter: Meter, _ quantity: Int64) {
        if quantity > 0 { body(BilledUse(usageClass: usageClass, meter: meter, quantity: quantity)) }
    }
    func part(_ usageClass: UsageClass, _ meter: Meter, _ quantity: Int64, of whole: inout Int64) {
        guard quantity > 0, hasPrice(meter) else { return }
        let taken = min(quantity, max(0, whole))
        whole -= taken
        use(usageClass, meter, taken)
    }
    var input = usage.input
    part(.audioInput, .audioInput, usage.audioInput, of: &input)
    part(.imageInput, .imageInput, usage.imageInput, of: &input)
    use(.input, .input, input)
    use(.toolPrompt, .input, usage.toolPrompt)
    use(.cacheRead, .cacheRead, usage.cacheRead)
    use(.cacheWrite5m, .cacheWrite5m, usage.cacheWrite5m)
    use(.cacheWrite30m, .cacheWrite30m, usage.cacheWrite30m)
    use(.cacheWrite1h, .cacheWrite1h, usage.cacheWrite1h)
    use(.cacheWrite12h, .cacheWrite12h, usage.cacheWrite12h)
    if usage.cacheWriteUnknown > 0 {
        let shortest: Meter =
            hasPrice(.cacheWrite5m)
            ? .cacheWrite5m
            : hasPrice(.cacheWrite30m)
                ? .cacheWrite30m
                : hasPrice(.cacheWrite1h) ? .cacheWrite1h : hasPrice(.cacheWrite12h) ? .cacheWrite12h : .cacheWrite5m
        use(.cacheWriteUnknown, shortest, usage.cacheWriteUnknown)
    }
    var output = usage.output
    part(.audioOutput, .audioOutput, usage.audioOutput, of: &output)
    part(.imageOutput, .imageOutput, usage.imageOutput, of: &output)
    use(.output, .output, output)
    use(.webSearches, .webSearch, usage.webSearches)
    use(.webFetches, .webFetch, usage.webFetches)
}

extension TokenUsage {
    /// What context tiers compare with their threshold, held at the end of Int64: the counts are a provider's.
    package var billedInput: Int64 {
        var total: Int64 = 0
        func add(_ tokens: Int64) {
            let (sum, overflow) = total.addingReportingOverflow(max(0, tokens))
            total = overflow ? .max : sum
        }
        add(input)
        add(cacheRead)
        add(cacheWrite5m)
        add(cacheWrite30m)
        add(cacheWrite1h)
        add(cacheWrite12h)
        add(cacheWriteUnknown)
        add(toolPrompt)
        return total
    }
}

extension Meter {
    /// Its place in a price sheet.
    var index: Int {
        switch self {
        case .input: 0
        case .cacheRead: 1
        case .cacheWrite5m: 2
        case .cacheWrite30m: 3
        case .cacheWrite1h: 4
        case .cacheWrite12h: 5
        case .output: 6
        case .audioInput: 7
        case .audioOutput: 8
        case .imageInput: 9
        case .imageOutput: 10
        case .webSearch: 11
        case .webFetch: 12
        }
    }

    static let count = 13
}
