// Money: sums that cannot trap, and dollars that are exact.

import GatewayModel
import Testing

@Suite struct NanoUSDTests {
    @Test(
        arguments: [
            (0, "0.00"), (1, "0.000000001"), (4_000_000, "0.004"), (1_000_000_000, "1.00"), (412_100_000_000, "412.10"),
            (10_000_000, "0.01"),
            (-1, "-0.000000001"), (-1_500_000_000, "-1.50"), (Int64.max, "9223372036.854775807"),
            (Int64.min, "-9223372036.854775808"),
        ] as [(Int64, String)])
    func dollarsAreExact(_ value: Int64, _ text: String) {
        #expect(NanoUSD(value).dollars == text)
    }

    @Test func aSumThatOverflowsIsHeldAtTheEnd() {
        #expect(NanoUSD(.max) + NanoUSD(1) == NanoUSD(.max))
        #expect(NanoUSD(.max) + NanoUSD(.max) == NanoUSD(.max))
        #expect(NanoUSD(.min) + NanoUSD(-1) == NanoUSD(.min))
        #expect(NanoUSD(.max) + NanoUSD(.min) == NanoUSD(-1))
        var total = NanoUSD(.max)
        total += NanoUSD(5)
        #expect(total == NanoUSD(.max))
    }

    @Test func sumsOfUsageClassesNeverTrap() {
        var usage = TokenUsage()
        usage.input = .max
        usage.cacheRead = .max
        usage.cacheWrite5m = .max
        usage.toolPrompt = .max
        _ = (usage.totalInput, usage.cacheWrite, usage.isZero)
        #expect(!usage.isZero && TokenUsage().isZero)
    }
}
