// AWS event streams: the published vectors, every split, every type of header, and damage at every byte.

import FuzzOracles
import Testing
import WireFormat

private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
        UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16) ?? 0
    }
}

private struct Message: Equatable {
    var kind: AWSEvent.Kind
    var name: String
    var data: String
    var headers: [AWSHeader]
}

private func framed(_ pieces: [[UInt8]], payloadBytesMax: Int = 1 << 20) -> (messages: [Message], failure: AWSEventStreamError?) {
    var framer = AWSEventFramer(payloadBytesMax: payloadBytesMax)
    var messages: [Message] = []
    for piece in pieces {
        piece.withUnsafeBytes { bytes in
            framer.read(bytes) { event in
                messages.append(
                    Message(
                        kind: event.kind, name: String(decoding: event.name, as: UTF8.self),
                        data: String(decoding: event.data, as: UTF8.self), headers: event.headers))
            }
        }
    }
    framer.finish()
    return (messages, framer.failure)
}

@Suite struct AWSEventStreamTests {
    static let event = bytes(
        "0000009e00000057fe1b824f0b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170"
            + "706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b"
            + "496e646578223a302c2264656c"
            + "7461223a7b2274657874223a224869227d2c2270223a22616263227d9343f010")
    static let exception = bytes(
        "0000008e00000061514180540f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970"
            + "650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d65"
            + "7373616765223a22546f6f206d"
            + "616e7920746f6b656e73227dc81b1ec1")

    @Test func theVectorsAreReadAndWritten() {
        let (messages, failure) = framed([Self.event + Self.exception])
        #expect(failure == nil && messages.count == 2)
        #expect(messages[0].kind == .event && messages[0].name == "contentBlockDelta")
        #expect(messages[0].data == #"{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"abc"}"#)
        #expect(messages[1].kind == .exception && messages[1].name == "throttlingException")
        var out: [UInt8] = []
        appendAWSEvent("contentBlockDelta", json: Array(messages[0].data.utf8), to: &out)
        #expect(out == Self.event)
        out = []
        appendAWSException("throttlingException", json: Array(messages[1].data.utf8), to: &out)
        #expect(out == Self.exception)
    }

    @Test func aSplitAtAnyByteChangesNothing() {
        let stream = Self.event + Self.exception + Self.event
        let whole = framed([stream]).messages
        for place in 0...stream.count {
            let cut = framed([Array(stream[..<place]), Array(stream[place...])])
            #expect(cut.messages == whole && cut.failure == nil, "split at \(place)")
        }
        #expect(framed(stream.map { [$0] }).messages == whole)
    }

    @Test func aFlippedBitAnywhereIsSeen() {
        for place in 0..<Self.event.count {
            var damaged = Self.event
            damaged[place] ^= 4
            let (messages, failure) = framed([damaged])
            #expect(messages.isEmpty && failure != nil, "byte \(place)")
        }
    }

    @Test func nothingIsReadBehindDamage() {
        var damaged = Self.event
        damaged[100] ^= 1
        let (messages, failure) = framed([Self.event + damaged + Self.event])
        #expect(messages.count == 1 && failure == .messageChecksum)
    }

    @Test func aStreamThatStopsInsideAMessageIsTruncated() {
        for count in 1..<Self.event.count { #expect(framed([Array(Self.event[..<count])]).failure == .truncated) }
    }

    @Test func everyTypeOfHeaderComesBack() {
        let headers = [
            AWSHeader("true", .boolean(true)), AWSHeader("false", .boolean(false)), AWSHeader("i8", .int8(-5)),
            AWSHeader("i16", .int16(-300)), AWSHeader("i32", .int32(-70_000)), AWSHeader("i64", .int64(.min)),
            AWSHeader("bytes", .bytes([0, 255])), AWSHeader("text", .string("é")), AWSHeader("time", .timestamp(1_795_564_801_000)),
            AWSHeader("uuid", .uuid(Array(0..<16))), AWSHeader(":message-type", .string("event")),
        ]
        var out: [UInt8] = []
        appendAWSEvent(headers, payload: [1, 2, 3], to: &out)
        let (messages, failure) = framed([out])
        #expect(failure == nil && messages.first?.headers == headers && messages.first?.name == "")
    }

    @Test func aHeaderThatIsThereTwiceIsRefused() {
        var out: [UInt8] = []
        appendAWSEvent([AWSHeader("a", .int8(1)), AWSHeader("a", .int8(1))], payload: [], to: &out)
        #expect(framed([out]).failure == .headers)
    }

    @Test func lengthsOverTheirLimitsAreRefusedBeforeTheirBytesCome() {
        var out: [UInt8] = []
        appendAWSEvent([], payload: [UInt8](repeating: 0, count: 200), to: &out)
        #expect(framed([out]).failure == nil)
        #expect(framed([Array(out.prefix(12))], payloadBytesMax: 100).failure == .length)
    }

    @Test func anErrorWithoutPayloadSaysWhatItsHeaderSays() {
        var out: [UInt8] = []
        appendAWSEvent(
            [
                AWSHeader(":message-type", .string("error")), AWSHeader(":error-code", .string("InternalError")),
                AWSHeader(":error-message", .string("An internal server error occurred")),
            ], payload: [], to: &out)
        let message = framed([out]).messages.first
        #expect(message?.kind == .error && message?.name == "InternalError" && message?.data == "An internal server error occurred")
    }

    @Test func theChecksumIsZlibs() {
        #expect(Array("123456789".utf8).withUnsafeBytes { crc32($0) } == 0xCBF4_3926)
        let text = Array(String(repeating: "weir", count: 40).utf8)
        for place in 0...text.count {
            let first = Array(text[..<place]).withUnsafeBytes { crc32($0) }
            #expect(Array(text[place...]).withUnsafeBytes { crc32($0, after: first) } == text.withUnsafeBytes { crc32($0) })
        }
    }

    @Test func base64ComesBackAndRefusesOddTexts() {
        for count in 0..<40 {
            let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            let text = data.withUnsafeBytes { Base64.encode($0) }
            #expect(text.withUnsafeBytes { Base64.decode($0) } == data)
        }
        #expect(Array("aGk=".utf8).withUnsafeBytes { Base64.decode($0) } == Array("hi".utf8))
        for odd in ["a", "aGk", "aGk==", "a===", "====", "aG=k", "aGl=", "aG-_", "aGk= "] {
            #expect(Array(odd.utf8).withUnsafeBytes { Base64.decode($0) } == nil, "\(odd)")
        }
    }
}
