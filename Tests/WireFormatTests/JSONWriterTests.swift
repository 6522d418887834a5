// The JSON writer and the splicer: what is written is JSON that reads back as it was given, and what is not spliced stays.

import FuzzOracles
import Testing
import WireFormat

@Suite struct JSONWriterTests {
    @Test func aDocumentIsWrittenInOrder() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("a", "x")
        writer.field("none", nil as String?)
        writer.field("b", Int64.min)
        writer.field("c", true)
        writer.beginArray("d")
        writer.element("e")
        writer.element(7)
        writer.beginObject()
        writer.endObject()
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.beginObject("f")
        writer.rawField("g", "null".utf8)
        writer.field(named: "h\"", "i")
        writer.endObject()
        writer.field("j", 0)
        writer.endObject()
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"a":"x","b":-9223372036854775808,"c":true,"d":["e",7,{},[]],"f":{"g":null,"h\"":"i"},"j":0}"#)
    }

    @Test(arguments: [0, 9, 10, -1, -9, 99, 1_000_000, Int64.max, Int64.min, Int64.min + 1])
    func integersAreWrittenAsSwiftPrintsThem(_ value: Int64) {
        var writer = JSONWriter()
        writer.element(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\(value)")
    }

    @Test func everyTextReadsBackAsItWasWritten() {
        var random = Seeded(3)
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<random.below(30) {
                let bound: UInt32 = [0x20, 0x80, 0x800, 0x11_0000][random.below(4)]
                if let scalar = UnicodeScalar(UInt32(truncatingIfNeeded: random.next()) % bound) {
                    text.unicodeScalars.append(scalar)
                }
            }
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("a", text)
            writer.endObject()
            var read: String?
            writer.bytes.withUnsafeBytes { visitJSONMembers($0) { read = $0.string } }
            #expect(read.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test func aReusedBufferStartsEmpty() {
        var writer = JSONWriter()
        writer.element("a")
        writer.reset()
        writer.element("b")
        #expect(writer.bytes == Array("\"b\"".utf8))
        writer.reset(space: 3)
        writer.element(1)
        #expect(writer.bytes == [0, 0, 0, 49])
    }

    @Test func splicesLeaveEveryOtherByte() {
        let body = Array("0123456789".utf8)
        func spliced(_ splices: [Splice]) -> String {
            String(decoding: body.withUnsafeBytes { applySplices(splices, to: $0) }, as: UTF8.self)
        }
        #expect(spliced([]) == "0123456789")
        #expect(spliced([Splice(offset: 0, removeCount: 0, insert: [97])]) == "a0123456789")
        #expect(spliced([Splice(offset: 10, removeCount: 0, insert: [97])]) == "0123456789a")
        #expect(
            spliced([
                Splice(offset: 2, removeCount: 3, insert: []), Splice(offset: 5, removeCount: 1, insert: [98, 99]),
            ]) == "01bc6789")
        #expect(spliced([Splice(offset: 0, removeCount: 10, insert: [])]) == "")
    }
}
