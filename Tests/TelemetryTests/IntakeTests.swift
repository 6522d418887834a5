// Each request gets the answer that the OTLP specification has for it, in its own encoding.

import Foundation
import Telemetry
import Testing

private func take(
    _ body: [UInt8], type: String? = "application/json", encoding: String? = nil, signal: TelemetrySignal = .logs,
    limits: TelemetryLimits = TelemetryLimits(), keeps: Bool = true
) -> ExportAnswer {
    takeExport(
        ExportRequest(signal, contentType: type, contentEncoding: encoding, body: body), limits: limits, keep: { _, _ in keeps })
}

private let call =
    #"{"name":"chat","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}"#
    + #",{"key":"gen_ai.response.id","value":{"stringValue":"no id"}}]}"#

@Suite struct IntakeTests {
    @Test func aWholeSuccessIsAnEmptyResponse() {
        #expect(take(Array("{}".utf8)).body == Array("{}".utf8))
        let answer = take([], type: "application/x-protobuf")
        #expect(answer.status == 200 && answer.body.isEmpty && answer.contentType == "application/x-protobuf")
    }

    @Test func aPartialSuccessSaysHowManyWereRejected() throws {
        let body = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(call)]}]}]}"#.utf8)
        let answer = take(body, signal: .traces)
        #expect(answer.status == 200)
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.hasPrefix(#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"an id"#))
        #expect(ExportReply.taken(.logs, .protobuf, rejected: 300, reason: "no") == [0x0A, 7, 0x08, 0xAC, 0x02, 0x12, 2, 0x6E, 0x6F])
    }

    @Test(arguments: [nil, "text/plain", "application/jsonx", ""])
    func anotherMediaTypeIsRefused(_ type: String?) {
        #expect(take(Array("{}".utf8), type: type).status == 415)
    }

    @Test func aMediaTypeMayHaveParameters() {
        #expect(take(Array("{}".utf8), type: "Application/JSON; charset=utf-8").status == 200)
    }

    @Test func whatIsMalformedIsRefusedWithAStatusInItsOwnEncoding() {
        let json = take(Array("{".utf8))
        #expect(json.status == 400 && String(decoding: json.body, as: UTF8.self).hasPrefix(#"{"code":3,"message":"this is no OTLP"#))
        let protobuf = take([0xFF], type: "application/x-protobuf")
        #expect(protobuf.status == 400 && protobuf.body.prefix(3) == [0x08, 3, 0x12])
    }

    @Test func aJournalThatTakesNothingIsSaidWithATimeToTryAgain() {
        let answer = take(Array("{}".utf8), keeps: false)
        #expect(answer.status == 503 && answer.retryAfterSeconds == 5)
    }

    @Test func gzipIsInflatedAndBounded() throws {
        // `{}`, by Python's gzip.
        let small = try #require(Data(base64Encoded: "H4sIAAAAAAACA6uuBQBDv6ajAgAAAA=="))
        #expect(take(Array(small), encoding: "gzip").status == 200)
        #expect(take(Array(small) + Array(small), encoding: "gzip").status == 400, "two members are one text")
        #expect(take(Array(small.dropLast(9)), encoding: "gzip").status == 400)
        #expect(take(Array("{}".utf8), encoding: "gzip").status == 400)
        #expect(take([], encoding: "gzip").status == 400)
        var limits = TelemetryLimits()
        limits.bodyBytesMax = 1
        #expect(take(Array(small), encoding: "gzip", limits: limits).status == 413)
        #expect(take(Array("{}".utf8), encoding: "zstd").status == 415)
        #expect(take(Array("{}".utf8), encoding: "identity").status == 200)
    }
}
