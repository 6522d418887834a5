// Heads of requests and responses: each refusal of a smuggler's or a slip's bytes, whatever the split, and what is read of an
// honest one.

import FuzzOracles
import Testing
import WireFormat

@Suite struct HTTPHeadTests {
    private func request(_ text: String, fieldsMax: Int = 100) -> Result<HTTPRequestHead, HTTPHeadError> {
        let bytes = Array(text.utf8)
        let (end, error) = headEnd([bytes], bytesMax: 65_536)
        if let error { return .failure(error) }
        guard let end else { return .failure(.malformedStartLine) }
        return parseRequest(Array(bytes[..<end]), fieldsMax: fieldsMax)
    }

    private func refusal(_ text: String) -> HTTPHeadError? {
        if case .failure(let error) = request(text) { error } else { nil }
    }

    private func get(_ fields: String, host: String = "Host: a\r\n") -> String {
        "GET /v1/models HTTP/1.1\r\n\(host)\(fields)\r\n"
    }

    @Test func anHonestRequestIsRead() throws {
        let head = try request(
            "POST /v1/messages?beta=true&x=%20 HTTP/1.1\r\nhost: gw:8787\r\nContent-Length: 12\r\nX-A:\t b \t\r\nEmpty:\r\n\r\n"
        ).get()
        #expect(head.method == "POST")
        #expect(head.path == "/v1/messages")
        #expect(head.query == "beta=true&x=%20")
        #expect(head.framing == .length(12))
        #expect(head.keepsAlive)
        #expect(head.fields.string("x-a") == "b")
        #expect(head.fields.string("empty") == "")
        #expect(head.fields.string("nothing") == nil)
        #expect(!head.expectsContinue && !head.wantsUpgrade)
    }

    @Test func aHeadThatComesAgainDiffersInTheLengthOfItsBodyAndInNothingElse() throws {
        let text = "POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 120\r\nX-A: b\r\n\r\n"
        let head = try request(text).get()
        func again(_ old: String, _ new: String) -> HTTPRequestHead? {
            var bytes = Array(text.replacing(old, with: new).utf8)
            return bytes.withUnsafeMutableBytes { head.repeated(by: UnsafeRawBufferPointer($0)) }
        }
        #expect(again("120", "120")?.framing == .length(120))
        #expect(again("120", "987")?.framing == .length(987))
        #expect(again("120", "987")?.path == "/v1/messages")
        for (old, new) in [
            ("120", "1200"), ("120", "12"), ("120", "+12"), ("120", "1 2"), ("120", "12\r"), ("120", "1e2"), ("X-A: b", "X-A: c"),
            ("X-A", "x-a"), ("Host: a", "Host: b"), ("POST", "PUT "), ("Content-Length: 120", "Content-Length:  12"),
        ] { #expect(again(old, new) == nil, "\(new)") }
        let chunked = try request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").get()
        chunked.fields.bytes.withUnsafeBytes { #expect(chunked.repeated(by: $0) == nil) }
    }

    @Test func thePathIsTheRawPath() throws {
        #expect(try request("GET //a/../b%2f;c HTTP/1.1\r\nHost: a\r\n\r\n").get().path == "//a/../b%2f;c")
        #expect(try request("GET /?a?b HTTP/1.1\r\nHost: a\r\n\r\n").get().query == "a?b")
    }

    @Test func connectionFieldsAreRead() throws {
        #expect(try !request(get("Connection: close\r\n")).get().keepsAlive)
        #expect(try !request(get("Connection: x-a, CLOSE\r\n")).get().keepsAlive)
        #expect(try request(get("Connection: closed\r\n")).get().keepsAlive)
        #expect(try request(get("Expect: 100-Continue\r\n")).get().expectsContinue)
        #expect(try request(get("Upgrade: websocket\r\n")).get().wantsUpgrade)
    }

    static let refusals: [(String, HTTPHeadError)] = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", .contentLengthWithTransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", .contentLengthWithTransferEncoding),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", .repeatedContentLength),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", .repeatedContentLength),
        ("Content-Length: 5, 5\r\n", .malformedContentLength),
        ("Content-Length: +5\r\n", .malformedContentLength), ("Content-Length: -5\r\n", .malformedContentLength),
        ("Content-Length: 0x5\r\n", .malformedContentLength), ("Content-Length: 5 5\r\n", .malformedContentLength),
        ("Content-Length: \r\n", .malformedContentLength),
        ("Content-Length: 9999999999999999999\r\n", .malformedContentLength),
        ("Content-Length: ５\r\n", .malformedContentLength), ("Transfer-Encoding: gzip\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: gzip, chunked\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: identity\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: chunked;a=b\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding:\r\n", .unknownTransferEncoding),
        ("Transfer-Encoding: \u{B}chunked\r\n", .controlCharacter),
        ("Transfer-Encoding : chunked\r\n", .malformedFieldName),
        ("X-A: b\r\n c\r\n", .foldedField), ("X-A: b\r\n\tc\r\n", .foldedField), ("X-A : b\r\n", .malformedFieldName),
        (": b\r\n", .malformedFieldName),
        ("X-A\r\n", .malformedFieldName), ("X A: b\r\n", .malformedFieldName), ("X-\u{E9}: b\r\n", .malformedFieldName),
        ("X-A: b\u{0}c\r\n", .controlCharacter),
        ("X-A\u{0}: b\r\n", .controlCharacter), ("X-A: b\rc\r\n", .controlCharacter),
        ("X-A: b\u{7F}\r\n", .controlCharacter), ("X-A: \u{1B}[0m\r\n", .controlCharacter),
        ("X-A: b\n", .bareLineFeed), ("X-A: b\n\r\n", .bareLineFeed), ("Host: a\r\n", .repeatedHost),
        ("host: b\r\n", .repeatedHost),
    ]

    @Test(arguments: refusals) func aMalformedFieldIsRefused(_ fields: String, _ error: HTTPHeadError) {
        #expect(refusal(get(fields)) == error)
    }

    static let startLines: [(String, HTTPHeadError)] = [
        ("GET / HTTP/1.0", .unsupportedVersion), ("GET / HTTP/2.0", .unsupportedVersion),
        ("GET / HTTP/1.2", .unsupportedVersion),
        ("GET / http/1.1", .malformedStartLine), ("GET / HTTP/1.1 ", .malformedStartLine),
        ("GET /", .malformedStartLine), ("GET", .malformedStartLine),
        ("GET  HTTP/1.1", .malformedStartLine), (" GET / HTTP/1.1", .malformedStartLine),
        ("GET  / HTTP/1.1", .malformedTarget), ("GET\t/ HTTP/1.1", .malformedStartLine),
        ("GET /a b HTTP/1.1", .malformedTarget), ("GET /a#b HTTP/1.1", .malformedTarget),
        ("GET /\u{E9} HTTP/1.1", .malformedTarget), ("GET /\u{0} HTTP/1.1", .malformedTarget),
        ("GET /\u{7F} HTTP/1.1", .malformedTarget), ("G(T / HTTP/1.1", .malformedStartLine),
        ("CONNECT a:443 HTTP/1.1", .malformedTarget),
        ("OPTIONS * HTTP/1.1", .malformedTarget), ("GET a HTTP/1.1", .malformedTarget),
        ("GET ftp://a/ HTTP/1.1", .malformedTarget),
        ("GET http://b/ HTTP/1.1", .hostDisagreesWithTarget), ("GET http://a:80/ HTTP/1.1", .hostDisagreesWithTarget),
        ("GET http://u@a/ HTTP/1.1", .hostDisagreesWithTarget),
        ("GET http:/// HTTP/1.1", .hostDisagreesWithTarget), ("GET / HTTP/1.1\rX", .malformedStartLine),
        ("", .malformedStartLine),
    ]

    @Test(arguments: startLines) func aMalformedStartLineIsRefused(_ line: String, _ error: HTTPHeadError) {
        #expect(refusal("\(line)\r\nHost: a\r\n\r\n") == error)
    }

    @Test func absoluteFormMustNameTheHost() throws {
        let head = try request("GET http://A/b?c HTTP/1.1\r\nHost: a\r\n\r\n").get()
        #expect(head.path == "/b" && head.query == "c")
        #expect(try request("GET https://a HTTP/1.1\r\nHost: a\r\n\r\n").get().path == "/")
    }

    @Test func aRequestWithoutHostIsRefused() {
        #expect(refusal(get("", host: "")) == .missingHost)
    }

    @Test func fieldsAreCounted() {
        let fields = String(repeating: "A: b\r\n", count: 9)
        #expect((try? request(get(fields), fieldsMax: 10).get()) != nil)
        guard case .failure(let error) = request(get(fields + "A: b\r\n"), fieldsMax: 10) else {
            Issue.record("accepted"); return
        }
        #expect(error == .tooLarge)
    }

    @Test func aHeadOverTheLimitIsRefusedBeforeItEnds() {
        let text = Array(get("A: " + String(repeating: "x", count: 1000) + "\r\n").utf8)
        #expect(headEnd([text], bytesMax: 100_000).end == text.count)
        #expect(headEnd([text], bytesMax: 1000).error == .tooLarge)
        #expect(headEnd([Array(text[..<1000])], bytesMax: 1000).error == .tooLarge)
        #expect(headEnd([text], bytesMax: text.count - 1).error == .tooLarge)
    }

    @Test func aSplitAtAnyByteGivesTheSameAnswer() {
        let texts =
            Self.refusals.map { get($0.0) } + Self.startLines.map { "\($0.0)\r\nHost: a\r\n\r\n" } + [
                get("A: b\r\n") + "body"
            ]
        for text in texts {
            let bytes = Array(text.utf8)
            let whole = headEnd([bytes], bytesMax: 65_536)
            for place in 0...bytes.count {
                let split = headEnd([Array(bytes[..<place]), Array(bytes[place...])], bytesMax: 65_536)
                #expect(split == whole, "\(text.debugDescription) split at \(place)")
            }
            let bytewise = headEnd(bytes.map { [$0] }, bytesMax: 65_536)
            #expect(bytewise == whole, "\(text.debugDescription)")
        }
    }

    @Test func aHeadThatWasCutByAnotherScannerIsStillRefused() {
        for text in [
            "GET / HTTP/1.1X\n\n", "GET / HTTP/1.1\r\nHost: a\r\nX\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nX", "\n", "", "GET",
        ] {
            guard case .failure = parseRequest(Array(text.utf8)) else {
                Issue.record("accepted: \(text.debugDescription)"); continue
            }
        }
    }

    // MARK: Responses

    private func response(_ text: String, method: String = "POST") -> Result<HTTPResponseHead, HTTPHeadError> {
        do throws(HTTPHeadError) {
            return .success(
                try Array(text.utf8).withBytes { (bytes) throws(HTTPHeadError) in
                    try HTTPResponseHead(bytes, requestMethod: method, fieldsMax: 100)
                })
        } catch {
            return .failure(error)
        }
    }

    @Test func howABodyIsDelimited() throws {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        #expect(try response(length).get().framing == .length(5))
        #expect(try response(length, method: "HEAD").get().framing == .none)
        #expect(try response("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n").get().framing == .chunked)
        let open = try response("HTTP/1.1 200 OK\r\n\r\n").get()
        #expect(open.framing == .untilClose && !open.keepsAlive)
        for status in [100, 103, 204, 304] {
            #expect(try response("HTTP/1.1 \(status) X\r\nContent-Length: 5\r\n\r\n").get().framing == .none)
        }
        #expect(try response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").get().status == 200)
        #expect(try !response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").get().keepsAlive)
        #expect(try response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").get().keepsAlive)
        #expect(try !response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").get().keepsAlive)
    }

    @Test(arguments: [
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 O\u{0}K\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nA\r\n\r\n",
    ])
    func aMalformedResponseIsRefused(_ text: String) {
        guard case .failure = response(text) else { Issue.record("accepted"); return }
    }

    @Test func listsOfTokensAreSearched() {
        let contains = { (list: String) in Array(list.utf8).withUnsafeBytes { listContains($0, "close") } }
        for list in ["close", "CLOSE", "a,close", "a , \tclose ,b", ",close"] { #expect(contains(list)) }
        for list in ["", "closed", "a close", "clos,e", ",", "\"close\""] { #expect(!contains(list)) }
    }
}
