// The chunked transfer coding: sizes, extensions, trailers, floods, and every split.

import FuzzOracles
import Testing
import WireFormat

@Suite struct ChunkedReaderTests {
    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("0\r\n\r\n", ""), ("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"),
        ("A\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("5;a=b\r\nhello\r\n0;x\r\n\r\n", "hello"),
        ("5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", "hello"), ("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
        ("00000005\r\nhello\r\n0\r\n\r\n", "hello"),
    ])
    func aBodyIsRead(_ text: String, _ payload: String) {
        let bytes = Array(text.utf8)
        let whole = dechunk([bytes + Array("NEXT".utf8)])
        #expect(whole == Dechunked(payload: Array(payload.utf8), consumed: bytes.count, isDone: true, error: nil))
        for place in 0...bytes.count {
            #expect(dechunk([Array(bytes[..<place]), Array(bytes[place...])]) == dechunk([bytes]), "split at \(place)")
        }
        #expect(dechunk(bytes.map { [$0] }).payload == Array(payload.utf8))
        for count in 0..<bytes.count {
            #expect(!dechunk([Array(bytes[..<count])]).isDone, "\(count) bytes are no whole body")
        }
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "5\nhello\r\n",
        "5\r\nhello\n", "5\r\nhellox\r\n", "5\r\nhell\r\n0\r\n\r\n",
        "5\rhello", "5\r\rhello", "ffffffffffffffff\r\n", "8000000000000000\r\n", "0000000000000000000005\r\nhello\r\n",
        "5;a\u{0}\r\nhello\r\n", "5;a\nhello\r\n",
        "0\r\nX: a\nY: b\r\n\r\n", "5;\r\nhello\r\n", "5;;a\r\nhello\r\n", "5;a=\r\nhello\r\n", "5;a b\r\nhello\r\n",
        "5;a=\"b\r\nhello\r\n", "5;a=\"b\"c\r\nhello\r\n", "5;a=b=c\r\nhello\r\n", "5;a=\"\\\r\nhello\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\nA: b\r\ntransfer-ENCODING: chunked\r\n\r\n", "0\r\nX\r\n\r\n",
        "0\r\n: a\r\n\r\n", "0\r\nX : a\r\n\r\n",
        "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX: \u{0}\r\n\r\n", "0\r\n\n", "0\n\n", "5_\r\nhello\r\n", "5 \r\nhello\r\n",
        "5\t;a\r\nhello\r\n", "5;\u{7F}\r\nhello\r\n",
    ])
    func aMalformedBodyIsRefusedAtEverySplit(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(dechunk([bytes]).error == .malformedChunk)
        #expect(dechunk(bytes.map { [$0] }).error == .malformedChunk)
    }

    @Test func aFloodOfExtensionsIsRefused() {
        let one = Array("1;\(String(repeating: "x", count: 5000))\r\na\r\n".utf8)
        #expect(dechunk([one]).error == .chunkExtensionsTooLong)
        let many = Array(String(repeating: "1;xxxxxxxx\r\na\r\n", count: 1000).utf8)
        #expect(dechunk([many]).error == .chunkExtensionsTooLong)
    }

    @Test func aFloodOfTrailersIsRefused() {
        #expect(dechunk([Array("0\r\n\(String(repeating: "A: b\r\n", count: 10_000))".utf8)]).error == .trailersTooLong)
        #expect(dechunk([Array("0\r\nA: \(String(repeating: "x", count: 20_000))".utf8)]).error == .trailersTooLong)
    }

    @Test func aLargeChunkIsGivenInTheSlicesThatCame() {
        var reader = ChunkedReader()
        var slices: [Int] = []
        for piece in ["FFFF\r\nabc", "def", "ghi"] {
            _ = try? Array(piece.utf8).withBytes { (bytes) throws(HTTPHeadError) in
                try reader.read(bytes) { slices.append($0.count) }
            }
        }
        #expect(slices == [3, 3, 3])
        #expect(!reader.isDone)
    }
}
