// The JSON scanner against RFC 8259: the cases that parsers are known to get wrong (after Seriot's JSONTestSuite), depth, and
// truncation.

import FuzzOracles
import Testing
import WireFormat

@Suite struct JSONScannerTests {
    @Test(arguments: [
        "0", "-0", "1.5", "-1.5e+10", "2E-3", "12345678901234567890123", "0e1", "1e1", "true", "false", "null", "\"\"",
        "{}", "[]",
        " \t\r\n1 \n", "[[]]", "{\"a\":{}}", "{\"\":0}", "{\"a\":1,\"a\":2}", "[1,\"a\",null,true,[],{}]",
        #""\u0061\n\/\\\"\b\f\r\t""#,
        #""\ud83d\ude00""#, #""\ud800""#, "\"\u{7F}\"", "\"é日😀\"", "{\"a\\u0062\":1}", "[1 , 2 ]", "{ \"a\" : 1 }",
        "\"aaaaaaa\\\"bbbbbbbbbbbbbbbbb\\\\\"", "[\"/\"]", "[-1]", "123e65", "0.5", "\"\\\\\"",
    ])
    func acceptsJSON(_ text: String) {
        #expect(scanWhole(Array(text.utf8)).isValid)
    }

    @Test(arguments: [
        "", " ", "{", "[", "}", "]", "[1,]", "{\"a\":1,}", "[,1]", "[1,,2]", "[1 2]", "{\"a\" 1}", "{\"a\":}", "{:1}",
        "{1:1}", "{\"a\":1 \"b\":2}",
        "[1}", "{\"a\":[}]", "\"", "\"abc", "\"\\\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\x41\"", "\"\\'\"", "\"a\tb\"",
        "\"a\nb\"", "\"a\u{0}b\"", "01", "-01",
        "+1", ".5", "1.", "1.e1", "1e", "1e+", "-", "--1", "0x10", "1_000", "tru", "nul", "fals", "True", "NaN",
        "Infinity", "-Infinity", "1 2", "{}{}",
        "{}x", "'a'", "{'a':1}", "{a:1}", "// x\n1", "1 // x", "\u{FEFF}{}", "[\u{A0}1]", "\u{2028}1", "[1\u{0}]",
        "\\u0061", "[\"a\",\n4\n,1,", "{\"a\":\"b\"]", "\"\\",
        "\"\\u", "[\"\\uD800\\u\"]", "nulll", "truefalse", "[1]]", "{\"a\"", "{\"a\":1", "[\"x\"", "🙂",
    ])
    func refusesWhatIsNoJSON(_ text: String) {
        let result = scanWhole(Array(text.utf8))
        #expect(!result.isValid)
        if let offset = result.offset { #expect((0...text.utf8.count).contains(offset)) }
    }

    @Test func depthIsLimitedAtEveryKindOfNesting() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = open.utf8.filter { $0 == 91 || $0 == 123 }.count
            for depthMax in [2, 10, 128] {
                let fits =
                    String(repeating: open, count: depthMax / levels) + "1"
                    + String(repeating: close, count: depthMax / levels)
                let more = "[" + fits + "]"
                #expect(scanWhole(Array(fits.utf8), depthMax: depthMax).isValid)
                #expect(!scanWhole(Array(more.utf8), depthMax: depthMax).isValid)
            }
        }
    }

    @Test func tooDeepIsSaidAndNotMalformed() {
        let text = Array(String(repeating: "[", count: 200).utf8)
        #expect(throws: JSONError.tooDeep(max: 128)) {
            try text.withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes)
                try scanner.skipValue()
            }
        }
    }

    @Test func depthIsGivenBackWhenAContainerEnds() {
        let text = "[" + Array(repeating: "[[[]]]", count: 1000).joined(separator: ",") + "]"
        #expect(scanWhole(Array(text.utf8), depthMax: 4).isValid)
    }

    @Test func everyTruncationOfADocumentIsRefused() {
        let text =
            #" {"a":[1,-2.5e3,"x\"y\\z\u00e9",{"b":null}],"long":"abcdefghijklmnopqrstuvwxyz","t":true,"f":false}"#
        let bytes = Array(text.utf8)
        #expect(scanWhole(bytes).isValid)
        for count in 0..<bytes.count { #expect(!scanWhole(Array(bytes[..<count])).isValid, "\(count) bytes") }
    }

    @Test func aFaultIsFoundAtEveryAlignmentOfALongString() {
        // The scanner looks at 8, 16 and 64 bytes at a time: the place of the fault must not matter.
        for length in [Array(0..<40), Array(126..<132), Array(190..<196)].joined() {
            for place in 0...length {
                var body = [UInt8](repeating: 97, count: length)
                body.insert(10, at: place)
                #expect(!scanWhole([34] + body + [34]).isValid)
                body[place] = 92
                body.insert(34, at: place + 1)
                #expect(scanWhole([34] + body + [34]).isValid)
            }
        }
    }

    @Test func aLongStringEndsWhereAByteAtATimeWouldSee() {
        var random = Seeded(3)
        let letters = Array(#""\/bfnrt"#.utf8)
        for round in 0..<60_000 {
            // Plain text, text of code, runs of backslashes, and any bytes at all.
            let kind = round % 4
            var text: [UInt8] = [34]
            for _ in 0..<random.below(400) {
                switch kind {
                case 0: text.append(random.chance(300) ? UInt8(random.below(256)) : 97)
                case 1: text += random.chance(20) ? [92, letters[random.below(letters.count)]] : [UInt8(97 + random.below(26))]
                case 2: text.append(random.chance(2) ? 92 : letters[random.below(letters.count)])
                default:
                    text += random.chance(8) ? [92, random.chance(40) ? UInt8(random.below(256)) : 110] : [UInt8(97 + random.below(159))]
                }
            }
            text.append(34)
            let found = text.withUnsafeBytes { bytes -> Int? in
                var scanner = JSONScanner(bytes)
                return (try? scanner.readString())?.upperBound
            }
            #expect(found == stringEnd(text), "\(kind): \(text)")
        }
    }

    @Test func theScannerAgreesWithTheGrammarOnMutatedDocuments() {
        let seed = Array(#"{"model":"m","a":[1,2.5,{"b":"c\n"}],"t":true,"n":null,"s":"\u00e9\\"}"#.utf8)
        var random = Seeded(1)
        let alphabet = Array("{}[]\",:\\u0123e+-.tfn \n".utf8)
        for round in 0..<20_000 {
            var text = seed
            for _ in 0...random.below(3) {
                let index = random.below(text.count)
                switch random.below(3) {
                case 0: text[index] = alphabet[random.below(alphabet.count)]
                case 1: text.remove(at: index)
                default: text.insert(alphabet[random.below(alphabet.count)], at: index)
                }
            }
            if let finding = checkJSON(text) {
                Issue.record("round \(round): \(finding): \(String(decoding: text, as: UTF8.self))")
                return
            }
        }
    }

    /// Behind the closing quote of the string at the beginning, by RFC 8259, section 7; nil when there is none.
    private func stringEnd(_ text: [UInt8]) -> Int? {
        var index = 1
        while index < text.count {
            switch text[index] {
            case 34: return index + 1
            case 0..<32: return nil
            case 92:
                guard index + 1 < text.count else { return nil }
                switch text[index + 1] {
                case 34, 92, 47, 98, 102, 110, 114, 116: index += 2
                case 117:
                    let digits = text[(index + 2)...].prefix(4)
                    guard digits.count == 4, digits.allSatisfy({ $0 < 128 && Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
                    index += 6
                default: return nil
                }
            default: index += 1
            }
        }
        return nil
    }
}
