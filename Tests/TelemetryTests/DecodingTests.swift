// Both encodings of OTLP decode to one same value, and bytes that are neither are refused without harm.

import Foundation
import FuzzOracles
import Telemetry
import Testing

private func decode(
    _ signal: TelemetrySignal, _ encoding: TelemetryEncoding, _ bytes: [UInt8], limits: TelemetryLimits = TelemetryLimits()
) throws(TelemetryError) -> TelemetryExport {
    try bytes.withBytes { body throws(TelemetryError) in try decodeTelemetry(signal, encoding, body, limits: limits) }
}

extension TelemetryExport {
    fileprivate var signal: TelemetrySignal {
        switch self {
        case .logs: .logs
        case .traces: .traces
        case .metrics: .metrics
        }
    }
}

@Suite struct DecodingTests {
    @Test func theSameMessageAsProtobufAndAsJSONIsTheSameValue() throws {
        for seed in 0..<600 as Range<UInt64> {
            var generated = GeneratedExports(seed: seed)
            let export = generated.export()
            #expect(try decode(export.signal, .protobuf, ProtobufWriter.write(export)) == export, "seed \(seed)")
            #expect(try decode(export.signal, .json, exportText(export, seed: seed)) == export, "seed \(seed)")
        }
    }

    @Test func anEmptyRequestIsARequest() throws {
        for signal in TelemetrySignal.allCases {
            #expect(try decode(signal, .protobuf, []).count == 0)
            #expect(try decode(signal, .json, Array("{}".utf8)).count == 0)
            #expect(throws: TelemetryError.self) { try decode(signal, .json, []) }
        }
    }

    @Test func unknownFieldsOfEveryWireTypeAreSkipped() throws {
        var log = ProtobufWriter()
        log.number(99, .max)
        log.fixed64(100, 1)
        log.fixed32(101, 1)
        log.data(102, [1, 2, 3])
        // A group with one inside it.
        log.varint(103 << 3 | 3)
        log.number(1, 7)
        log.varint(104 << 3 | 3)
        log.text(1, "x")
        log.varint(104 << 3 | 4)
        log.varint(103 << 3 | 4)
        // A known number with another type than its own.
        log.number(1, 5)
        log.text(12, "name")
        var request = ProtobufWriter()
        request.message(1) { $0.message(2) { $0.data(2, log.bytes) } }
        guard case .logs(let groups) = try decode(.logs, .protobuf, request.bytes) else { return }
        #expect(groups.first?.items.first?.eventName == "name")
        #expect(groups.first?.items.first?.timeNanoseconds == 0)
    }

    @Test func aResourceBehindItsScopesCountsForThem() throws {
        var request = ProtobufWriter()
        request.message(1) { resource in
            resource.message(2) { $0.message(2) { $0.text(12, "name") } }
            resource.message(1) { $0.attributes(1, [TelemetryAttribute("service.name", .string("x"))]) }
        }
        guard case .logs(let groups) = try decode(.logs, .protobuf, request.bytes) else { return }
        #expect(groups.first?.resource == [TelemetryAttribute("service.name", .string("x"))])
    }

    @Test(arguments: [
        [0x0A], [0x0A, 0x05, 0x01], [0x00], [0x07], [0x0C], [0x0B], [0x0B, 0x14],
        [0x08] + [UInt8](repeating: 0xFF, count: 10), [0x09, 1, 2], [0x0D, 1], [UInt8](repeating: 0x0B, count: 40),
    ])
    func bytesThatAreNoProtobufAreRefused(_ bytes: [UInt8]) {
        #expect(throws: TelemetryError.self) { try decode(.logs, .protobuf, bytes) }
    }

    @Test(arguments: [
        "", "[]", "null1", #"{"resourceLogs":5}"#, #"{"resourceLogs":[5]}"#, #"{"resourceLogs":[{"resource":[]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":-1}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1x"}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1.5}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"abc"}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"A"}}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"AA=A"}}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"boolValue":"yes"}}]}]}]}"#,
        #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9999999999}]}]}]}"#, #"{"resourceLogs":[]} x"#,
    ])
    func textThatIsNoRequestIsRefused(_ text: String) {
        #expect(throws: TelemetryError.self) { try decode(.logs, .json, Array(text.utf8)) }
    }

    @Test func nullIsAsIfTheMemberWereNotThere() throws {
        let text =
            #"{"resourceLogs":[{"resource":null,"scopeLogs":[{"scope":null,"logRecords":[{"timeUnixNano":null,"body":null,"#
            + #""attributes":null,"traceId":null,"severityNumber":null}]}]}],"x":null}"#
        guard case .logs(let groups) = try decode(.logs, .json, Array(text.utf8)) else { return }
        #expect(groups.first?.items == [TelemetryLog()])
    }

    @Test func everyPrefixOfAMessageIsReadOrRefused() {
        for seed in 0..<20 as Range<UInt64> {
            var generated = GeneratedExports(seed: seed)
            let export = generated.export()
            let bytes = ProtobufWriter.write(export)
            for end in 0..<min(bytes.count, 2000) { _ = try? decode(export.signal, .protobuf, Array(bytes[..<end])) }
        }
    }

    @Test func manyValuesInFewBytesAreRefused() {
        var limits = TelemetryLimits()
        limits.valuesMax = 1000
        var request = ProtobufWriter()
        // An attribute of two bytes.
        request.message(1) { $0.message(1) { for _ in 0..<2000 { $0.data(1, []) } } }
        #expect(throws: TelemetryError.tooManyValues(max: 1000)) { try decode(.logs, .protobuf, request.bytes, limits: limits) }
    }

    @Test func deepValuesAreRefused() {
        var value = ProtobufWriter()
        for _ in 0..<5000 {
            var outer = ProtobufWriter()
            outer.message(5) { $0.data(1, value.bytes) }
            value = outer
        }
        var request = ProtobufWriter()
        request.message(1) { $0.message(2) { $0.message(2) { $0.data(5, value.bytes) } } }
        #expect(throws: TelemetryError.tooDeep(max: 32)) { try decode(.logs, .protobuf, request.bytes) }
        let text = String(repeating: #"{"arrayValue":{"values":["#, count: 5000)
        #expect(throws: TelemetryError.self) {
            try decode(.logs, .json, Array(#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(text)"#.utf8))
        }
    }

    @Test(arguments: [("AAEC", [0, 1, 2]), ("AAE=", [0, 1]), ("AAE", [0, 1]), ("AA==", [0]), ("", []), ("-_-_", [251, 255, 191])])
    func base64InEitherAlphabet(_ text: String, _ bytes: [UInt8]) throws {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"\#(text)"}}]}]}]}"#
        guard case .logs(let groups) = try decode(.logs, .json, Array(json.utf8)) else { return }
        #expect(groups.first?.items.first?.body == .bytes(bytes))
    }
}
