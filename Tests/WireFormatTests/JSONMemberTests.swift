// Reading members and scalars: keys with escapes, exact ranges, numbers at the edge, and random documents whose every member
// is known.

import FuzzOracles
import Testing
import WireFormat

@Suite struct JSONMemberTests {
    private func members(_ text: String) -> [(key: String, kind: JSONKind, range: Range<Int>)] {
        var found: [(String, JSONKind, Range<Int>)] = []
        Array(text.utf8).withUnsafeBytes { bytes in
            visitJSONMembers(bytes) { found.append(($0.key, $0.kind, $0.range)) }
        }
        return found
    }

    private func firstMember<Value>(_ text: String, _ read: (JSONMember) -> Value) -> Value? {
        var value: Value?
        Array(text.utf8).withUnsafeBytes { bytes in visitJSONMembers(bytes) { if value == nil { value = read($0) } } }
        return value
    }

    @Test(arguments: [
        #""model""#, #""\u006dodel""#, #""\u006d\u006f\u0064\u0065\u006c""#, #""mod\u0065\u006C""#,
    ])
    func aKeyIsKnownHoweverItIsEscaped(_ key: String) {
        #expect(firstMember("{\(key):1}") { $0.isNamed("model") } == true)
    }

    @Test(arguments: [
        #""Model""#, #""models""#, #""mode""#, #""model\u0000""#, #""\\u006dodel""#, #""""#, #""m\u00f6del""#,
    ])
    func anotherKeyIsNotTakenForIt(_ key: String) {
        #expect(firstMember("{\(key):1}") { $0.isNamed("model") } == false)
    }

    @Test func everyKindIsFoundWithItsExactRange() {
        let text = #"{ "a" : "x" , "b":-1.5e3,"c":true,"d":null,"e":[1,{"f":2}],"g":{"h":{}} }"#
        let bytes = Array(text.utf8)
        let found = members(text)
        #expect(found.map(\.key) == ["a", "b", "c", "d", "e", "g"])
        #expect(found.map(\.kind) == [.string, .number, .boolean, .null, .array, .object])
        #expect(
            found.map { String(decoding: bytes[$0.range], as: UTF8.self) } == [
                "\"x\"", "-1.5e3", "true", "null", #"[1,{"f":2}]"#, #"{"h":{}}"#,
            ])
    }

    @Test(arguments: [
        (#""a\"b\\c\/d""#, "a\"b\\c/d"), (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"), (#""\u00e9\u65e5""#, "é日"),
        (#""\ud83d\ude00""#, "😀"),
        (#""\ud83d""#, "\u{FFFD}"), (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"),
        (#""\ud83d\n""#, "\u{FFFD}\n"), (#""\u0000""#, "\u{0}"), ("\"\"", ""), ("\"日本\"", "日本"),
    ])
    func stringsAreDecoded(_ json: String, _ text: String) {
        #expect(firstMember("{\"a\":\(json)}") { $0.string } == text)
    }

    @Test func invalidUTF8BecomesTheReplacementCharacter() {
        let bytes: [UInt8] = Array("{\"a\":\"x".utf8) + [0xFF, 0xC3] + Array("\"}".utf8)
        var text: String?
        bytes.withUnsafeBytes { visitJSONMembers($0) { text = $0.string } }
        #expect(text?.hasPrefix("x\u{FFFD}") == true)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("12", 12), ("-12", -12), ("12.0", 12), ("12.000", 12),
            ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min),
        ] as [(String, Int64)])
    func integersAreRead(_ json: String, _ value: Int64) {
        #expect(firstMember("{\"a\":\(json)}") { $0.integer } == value)
    }

    @Test(arguments: [
        "12.5", "1e3", "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "\"12\"", "null",
        "true", "[1]",
    ])
    func whatIsNoIntegerIsNil(_ json: String) {
        #expect(firstMember("{\"a\":\(json)}") { $0.integer } == .some(nil))
    }

    @Test func allOfATextIsValidatedAlsoBehindTheObject() {
        for text in ["{\"a\":1}x", "{\"a\":1}{}", "{\"a\":1,}", "{\"a\":1", "[]", "1", ""] {
            var failed = false
            Array(text.utf8).withUnsafeBytes { bytes in
                do { try forEachJSONMember(bytes, failure: { $0 }) { (_: JSONMember) throws(JSONError) in } } catch {
                    failed = true
                }
            }
            #expect(failed, "\(text)")
        }
    }

    @Test func everyMemberOfARandomDocumentIsFoundInItsPlace() {
        var random = Seeded(7)
        for _ in 0..<500 {
            var text = space(&random) + "{"
            var expected: [(key: String, json: String)] = []
            for index in 0..<random.below(12) {
                if index > 0 { text += space(&random) + "," }
                let key = "k\(index)" + (random.chance(3) ? "\u{E9}" : "")
                let written = key.unicodeScalars.map { random.chance(4) ? escaped($0) : String($0) }.joined()
                let json = value(&random, depth: 0)
                text += space(&random) + "\"\(written)\"" + space(&random) + ":" + space(&random) + json
                expected.append((key, json))
            }
            text += space(&random) + "}" + space(&random)
            let bytes = Array(text.utf8)
            let found = members(text)
            #expect(found.map(\.key) == expected.map(\.key))
            #expect(found.map { String(decoding: bytes[$0.range], as: UTF8.self) } == expected.map(\.json))
            #expect(checkJSON(bytes) == nil)
        }
    }

    private func space(_ random: inout Seeded) -> String { ["", "", "", " ", "\n", "\t \r\n"][random.below(6)] }

    private func escaped(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private func value(_ random: inout Seeded, depth: Int) -> String {
        switch random.below(depth > 4 ? 5 : 7) {
        case 0: return ["true", "false", "null"][random.below(3)]
        case 1: return "\(Int64(bitPattern: random.next()))"
        case 2: return "\(random.below(1000)).\(random.below(1000))e-\(random.below(9))"
        case 3: return "\"" + String(repeating: "code\\n\\\"", count: random.below(20)) + "\""
        case 4: return "\"\(random.next())日\""
        case 5:
            return "["
                + (0..<random.below(4)).map { _ in space(&random) + value(&random, depth: depth + 1) + space(&random) }
                .joined(separator: ",") + "]"
        default:
            return "{"
                + (0..<random.below(4)).map { "\"m\($0)\":" + value(&random, depth: depth + 1) }.joined(separator: ",")
                + "}"
        }
    }
}
