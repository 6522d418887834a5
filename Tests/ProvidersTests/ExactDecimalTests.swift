// ExactDecimalTests: a price is read from its digits, exactly or not at all.

import GatewayModel
import Providers
import Testing

@Suite struct ExactDecimalTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1_000_000_000), ("0.0375", 37_500_000), ("1.25e-06", 1250), ("12.5", 12_500_000_000),
            ("1E3", 1_000_000_000_000), ("1e+2", 100_000_000_000), ("0.000000001", 1), ("00.5", 500_000_000),
            ("5.", 5_000_000_000),
            (".5", 500_000_000), ("1.0000000000000000000000000000000000000000", 1_000_000_000), ("0e99", 0),
            ("0.0e-99", 0),
            ("9223372036.854775807", 9_223_372_036_854_775_807), ("100000000e-8", 1_000_000_000),
        ] as [(String, Int64)])
    func aDecimalIsReadExactly(_ text: String, _ nano: Int64) {
        #expect(nanoUSDPerMillion(text) == nano)
    }

    @Test(arguments: [
        "", ".", "-1", "+1", "1,5", "0.0000000001", "9223372036.854775808", "1e99", "1e100", "1e-99", "1e", "e5",
        "1e5e5", "abc",
        "1 ", " 1", "0x1", "1_000", "１", "NaN", "inf", "1.2.3", "1e-9223372036854775808", "1e9223372036854775807",
        "99999999999999999999",
    ])
    func whatIsNoExactPriceIsNone(_ text: String) {
        #expect(nanoUSDPerMillion(text) == nil)
    }

    @Test func everyWayOfWritingAnAmountGivesTheSameAmount() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let nano = Int64.random(in: 0...1_000_000_000_000, using: &random)
            let digits = String(nano)
            let padded = String(repeating: "0", count: max(0, 10 - digits.count)) + digits
            let point = padded.index(padded.endIndex, offsetBy: -9)
            #expect(nanoUSDPerMillion("\(padded[..<point]).\(padded[point...])") == nano)
            #expect(nanoUSDPerMillion("\(digits)e-9") == nano)
            #expect(nanoUSDPerMillion("\(digits)000e-12") == nano)
            #expect(nanoUSDPerMillion("0.\(padded)E\(padded.count - 9)") == nano)
            #expect(scaledDecimal(digits, digits: 0) == nano)
        }
    }

    @Test func anAmountIsShownAsItIsExactly() {
        #expect(BillAmount(quantity: 1, price: 37_500_000, isPerCall: false).exactNanoUSD == "37.5")
        #expect(BillAmount(quantity: 1, price: 1, isPerCall: false).exactNanoUSD == "0.000001")
        #expect(BillAmount(quantity: 3, price: 10_000_000_000, isPerCall: true).exactNanoUSD == "30000000")
        var sum = BillAmount(quantity: 1, price: 1, isPerCall: false)
        sum += BillAmount(quantity: 999_999, price: 1, isPerCall: false)
        #expect(sum.exactNanoUSD == "1")
        #expect(sum.roundedUp == NanoUSD(1))
        #expect(BillAmount().roundedUp == .zero)
        #expect(BillAmount(quantity: .max, price: .max, isPerCall: true).roundedUp == BillAmount.turnMax)
    }
}
