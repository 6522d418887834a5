// Objects are framed alike however the bytes are cut, and what is too large is passed over.

import Testing
import WireFormat

@Suite struct JSONValueFramerTests {
    private func frame(_ text: String, by size: Int, most: Int = 1 << 20) -> (values: [String], oversized: Int) {
        var framer = JSONValueFramer(valueBytesMax: most)
        var values: [String] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            Array(rest.prefix(size)).withUnsafeBytes { framer.read($0) { values.append(String(decoding: $0, as: UTF8.self)) } }
            rest = rest.dropFirst(size)
        }
        return (values, framer.oversizedCount)
    }

    private static let objects = [#"{"a":"}{][\\\"","b":[{"c":1},[2]]}"#, "{}", #"{"text":"é 🧵 \"quoted\" \\"}"#]

    @Test(arguments: [1, 2, 3, 5, 8, 1000])
    func linesAndArraysGiveTheirObjects(_ size: Int) {
        #expect(frame(Self.objects.joined(separator: "\n") + "\n", by: size).values == Self.objects)
        #expect(frame("[" + Self.objects.joined(separator: "\n,\r\n") + "]\n", by: size).values == Self.objects)
    }

    @Test(arguments: [1, 7, 1000])
    func anOversizedObjectIsPassedOver(_ size: Int) {
        let large = #"{"x":""# + String(repeating: "y", count: 100) + #""}"#
        let (values, oversized) = frame("{\"a\":1}\n\(large)\n{\"b\":2}\n", by: size, most: 32)
        #expect(values == [#"{"a":1}"#, #"{"b":2}"#] && oversized == 1)
    }

    @Test func whatIsNoObjectNeverTraps() {
        for text in ["]]}}", "\"{\"", "{", "[[[[", "nul", "}{", "{\"a\""] { for size in 1...4 { _ = frame(text, by: size) } }
    }
}
