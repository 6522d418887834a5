// The quick ways through JSON are held against the slow ones, which say the same of any text, right or wrong, and of where it is wrong.

import FuzzOracles
import Testing
import WireFormat

@Suite struct JSONQuickWayTests {
    private enum Outcome: Equatable {
        case range(Range<Int>)
        case failure(JSONError)
    }

    @Test func aContainerIsCrossedAsTheSlowWayCrossesIt() {
        var random = Seeded(11)
        for _ in 0..<20_000 {
            let text = makeText(&random)
            let depthMax = random.chance(3) ? 1 + random.below(4) : 128
            let (quick, slow) = text.withUnsafeBytes { bytes in
                (
                    outcome(bytes, depthMax) { scanner throws(JSONError) in try scanner.skipValue() },
                    outcome(bytes, depthMax) { scanner throws(JSONError) in
                        _ = try scanner.peekKind()
                        let start = scanner.position
                        try scanner.skipContainerSlowly()
                        return start..<scanner.position
                    }
                )
            }
            #expect(quick == slow, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test func membersAreReadAsKeyAndValueOneAfterTheOther() {
        var random = Seeded(12)
        for _ in 0..<20_000 {
            let text = makeText(&random)
            text.withUnsafeBytes { bytes in
                #expect(quickMembers(bytes) == slowMembers(bytes), "\(String(decoding: text, as: UTF8.self))")
            }
        }
    }

    @Test func everyTextIsEscapedAsAByteAtATimeWould() {
        var random = Seeded(13)
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<random.below(50) {
                let byte = random.chance(6) ? [34, 92, 10, 13, 9, 0, 31, 127][random.below(8)] : 32 + random.below(95)
                text.unicodeScalars.append(UnicodeScalar(UInt8(byte)))
            }
            var writer = JSONWriter()
            writer.element(text)
            #expect(String(decoding: writer.bytes, as: UTF8.self) == escaped(text))
        }
    }

    // MARK: Inside

    private func outcome(
        _ bytes: UnsafeRawBufferPointer, _ depthMax: Int, _ cross: (inout JSONScanner) throws(JSONError) -> Range<Int>
    ) -> Outcome {
        var scanner = JSONScanner(bytes, depthMax: depthMax)
        do throws(JSONError) { return .range(try cross(&scanner)) } catch { return .failure(error) }
    }

    private func quickMembers(_ bytes: UnsafeRawBufferPointer) -> [String] {
        var scanner = JSONScanner(bytes)
        var isFirst = true
        var found: [String] = []
        do throws(JSONError) {
            try scanner.enterObject()
            while let member = try scanner.nextMember(&isFirst) {
                found.append("\(String(decoding: member.rawKey, as: UTF8.self)) \(member.kind) \(member.range) \(member.key)")
            }
            found.append("end \(scanner.position)")
        } catch {
            found.append("\(error)")
        }
        return found
    }

    private func slowMembers(_ bytes: UnsafeRawBufferPointer) -> [String] {
        var scanner = JSONScanner(bytes)
        var isFirst = true
        var found: [String] = []
        do throws(JSONError) {
            try scanner.enterObject()
            while let key = try scanner.nextKey(&isFirst) {
                let kind = try scanner.peekKind()
                let range: Range<Int>
                if kind == .object || kind == .array {
                    let start = scanner.position
                    try scanner.skipContainerSlowly()
                    range = start..<scanner.position
                } else {
                    range = try scanner.skipValue()
                }
                let raw = UnsafeRawBufferPointer(rebasing: bytes[key])
                found.append("\(String(decoding: raw, as: UTF8.self)) \(kind) \(range) \(decodeJSONString(raw))")
            }
            found.append("end \(scanner.position)")
        } catch {
            found.append("\(error)")
        }
        return found
    }

    /// An object or an array, one time in two with something wrong in it.
    private func makeText(_ random: inout Seeded) -> [UInt8] {
        var text = Array(makeContainer(&random, depth: 0).utf8)
        if random.chance(2) {
            for _ in 0...random.below(2) {
                let place = random.below(text.count)
                switch random.below(4) {
                case 0: text.remove(at: place)
                case 1: text[place] = Array("{}[]\",:\\u0 e.-tfn\u{1}\u{7F}".utf8)[random.below(19)]
                case 2: text.insert(Array("{}[]\",:\\u".utf8)[random.below(9)], at: place)
                default: text.removeLast(random.below(text.count))
                }
                if text.isEmpty { text = [123] }
            }
        }
        // What begins otherwise is no container, which the slow way is not asked for.
        if text[0] != 123, text[0] != 91 { text.insert(123, at: 0) }
        return text
    }

    private func makeContainer(_ random: inout Seeded, depth: Int) -> String {
        let isObject = depth == 0 ? !random.chance(4) : random.chance(2)
        let parts = (0..<random.below(5)).map { _ in
            (isObject ? makeString(&random) + space(&random) + ":" + space(&random) : "") + makeValue(&random, depth: depth)
        }
        let inside = space(&random) + parts.joined(separator: space(&random) + "," + space(&random)) + space(&random)
        return isObject ? "{\(inside)}" : "[\(inside)]"
    }

    private func makeValue(_ random: inout Seeded, depth: Int) -> String {
        switch random.below(depth > 5 ? 5 : 8) {
        case 0: ["true", "false", "null"][random.below(3)]
        case 1: ["0", "-0", "12", "-1.5", "1e9", "2E-3", "0.25e+7", "9007199254740993"][random.below(8)]
        case 2, 3, 4: makeString(&random)
        default: makeContainer(&random, depth: depth + 1)
        }
    }

    private func makeString(_ random: inout Seeded) -> String {
        var text = "\""
        for _ in 0..<random.below(random.chance(4) ? 60 : 8) {
            text += random.chance(8) ? ["\\n", "\\\"", "\\\\", "\\u00e9", "\\/", "é", "😀"][random.below(7)] : "a"
        }
        return text + "\""
    }

    private func space(_ random: inout Seeded) -> String { random.chance(5) ? [" ", "\n", "\t \r"][random.below(3)] : "" }

    private func escaped(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 34: out += "\\\""
            case 92: out += "\\\\"
            case 10: out += "\\n"
            case 13: out += "\\r"
            case 9: out += "\\t"
            case 0..<32, 127:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
