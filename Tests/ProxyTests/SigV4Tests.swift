// SigV4: the published vectors of protocols.md (made with botocore 1.44.5), paths, queries and fields as AWS canonicalises them.

import Crypto
import GatewayModel
import Proxy
import Testing

@Suite struct SigV4Tests {
    private static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    private static let bodyHash = "c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0"

    static let vectors: [(path: String, canonicalHash: String, signature: String)] = [
        (
            "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/converse",
            "824e4f987c1d8f09981d79326866b5ff599eb11f0e57d917f419f594cb31fd21",
            "34a96cdbd6bd355bb6b09bacabc89d02b773bf555db05f1245ae638dad419459"
        ),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-opus-5-5/converse-stream",
            "fceb3d9bcf910144b5527bbfbe4fde93493f1707db53b36fc7c456f1f71f2571",
            "e3d1599e7231dfbffe344a16bd4baa5c78404d1d26d8267171387265c82699ae"
        ),
    ]

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(arguments: 0..<vectors.count) func theVectorsOfBotocoreAgree(_ index: Int) {
        let (path, canonicalHash, signature) = Self.vectors[index]
        let request = SigV4Request(
            method: "POST", path: path, query: "",
            fields: [
                ("content-type", "application/json"), ("host", "bedrock-runtime.us-east-1.amazonaws.com"),
                ("x-amz-date", "20260102T030405Z"),
            ], bodyHash: Self.bodyHash)
        #expect(hex(SHA256.hash(data: Array(request.canonical.utf8))) == canonicalHash)
        let scope = SigV4Scope(date: "20260102", region: "us-east-1", service: "bedrock")
        #expect(sigV4Signature(request, scope: scope, time: "20260102T030405Z", secretAccessKey: Self.secret) == signature)
    }

    @Test func queriesAreSortedAndSpacesFolded() {
        let request = SigV4Request(
            method: "GET", path: "/a~b/c", query: "b=2&a&b=1", fields: [("host", "x"), ("x-odd", "  a \t b  ")], bodyHash: "h")
        #expect(request.canonical == "GET\n/a~b/c\na=&b=1&b=2\nhost:x\nx-odd:a b\n\nhost;x-odd\nh")
    }

    @Test func timesAreInAWSsForm() throws {
        let time = try #require(Timestamp(rfc3339: "2026-01-02T03:04:05.678Z"))
        #expect(sigV4Time(time) == "20260102T030405Z")
    }
}
