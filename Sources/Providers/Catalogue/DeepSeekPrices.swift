// DeepSeekPrices: DeepSeek's list prices as of 2026-11. Peak is 01:00 to 04:00 and 06:00 to 10:00 UTC (deepseek-flash: Monday to
// Friday); the rest is half price. Chinese public holidays are off-peak too and are not known here: there the peak price is an
// upper bound. Writing to the cache is free.

import GatewayModel

enum DeepSeekPrices {
    static let rows: [PriceRow] = {
        var table = PriceTable("deepseek")
        let peak: [(ModelPrices, UInt8)] = [
            (ModelPrices("deepseek-v4-pro", input: "1.32", read: "0.044", write: "0", output: "3.96"), WeeklyHours.everyDay),
            (ModelPrices("deepseek-flash", input: "0.3", read: "0.006", write: "0", output: "1.2"), WeeklyHours.mondayToFriday),
        ]
        for (prices, weekdays) in peak {
            table.add(prices, times: .half)
            for (from, to) in [(1, 4), (6, 10)] {
                let hours = WeeklyHours(weekdays: weekdays, fromMinute: from * 60, toMinute: to * 60)
                table.add(prices, PriceScope(hours: hours))
            }
        }
        return table.rows
    }()
}
