// Exchange+ResponseHead: the provider's head is read, decides how its body will be metered and framed, and becomes the client's.

import Dialects
import GatewayModel
import NIOCore
import WireFormat

extension Exchange {
    /// True when the head was read; informational responses are passed over.
    func readResponseHead(_ bytes: inout ByteBuffer) throws(HTTPHeadError) -> Bool {
        while true {
            let end = try bytes.withUnsafeReadableBytesTyped { view throws(HTTPHeadError) in
                try response.scanner.end(in: view, bytesMax: snapshot.limits.headerBytesMax)
            }
            guard let end else { return false }
            let method = head.method
            let parsed = try bytes.withUnsafeReadableBytesTyped { view throws(HTTPHeadError) in
                try HTTPResponseHead(
                    UnsafeRawBufferPointer(rebasing: view[0..<end]), requestMethod: method,
                    fieldsMax: snapshot.limits.headerFieldsMax * 2)
            }
            bytes.moveReaderIndex(forwardBy: end)
            response.scanner = HTTPHeadScanner()
            // Nobody asked to switch protocols: `Upgrade` never goes upstream.
            if parsed.status == 101 { throw .unsupportedVersion }
            if parsed.status < 200 {
                if bytes.readableBytes == 0 { return false }
                continue
            }
            begin(parsed)
            return true
        }
    }

    private func begin(_ parsed: HTTPResponseHead) {
        phase = .relaying
        response.head = parsed
        // From here on nothing is asked again: an agent's body is large, and its stream may last for minutes.
        body = ByteBuffer()
        splices = []
        if record?.firstByte == nil { record?.firstByte = loop.shared.clock.now() }
        record?.status = parsed.status
        record?.upstreamRequestID = parsed.fields.string("x-request-id") ?? parsed.fields.string("request-id")
        noteTry(status: parsed.status, error: parsed.status >= 400 ? "http_\(parsed.status)" : nil)
        if case .length(let count) = parsed.framing { response.remaining = count }

        let kind = bodyKind(parsed)
        translation?.begin(kind, status: parsed.status)
        let endpoint = translation?.endpoint ?? target.endpoint ?? .chatCompletions
        if parsed.status < 300, endpoint.isMetered {
            response.withholds = injectsUsage && kind == .sse
            meter = ResponseMeter(
                endpoint: endpoint, body: kind, withholdsUsageEvent: response.withholds,
                lineBytesMax: snapshot.limits.sseLineBytesMax)
        }
        if let translation {
            response.mode = translation.passesOn ? .reframed : .held
        } else if response.withholds || parsed.framing == .untilClose {
            response.mode = .reframed
        } else if kind != .sse {
            response.mode = .held
        }
        response.clientHead = makeClientHead(parsed)
    }

    private func writeTranslationFields(_ translation: TurnTranslation, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Content-Type: ")
        buffer.writeString(translation.contentType)
        buffer.writeStaticString("\r\n")
        guard !translation.dropped.isEmpty else { return }
        buffer.writeStaticString("x-weir-dropped: ")
        buffer.writeString(headerSafe(translation.dropped.joined(separator: ", ")))
        buffer.writeStaticString("\r\n")
    }

    private func bodyKind(_ head: HTTPResponseHead) -> ResponseBodyKind {
        if let encoding = head.fields.first("content-encoding"),
            !head.fields.withValue(encoding, { equalsIgnoringCase($0, "identity") })
        {
            return .other
        }
        guard let field = head.fields.first("content-type") else { return .other }
        return head.fields.withValue(field) { value in
            let type = UnsafeRawBufferPointer(rebasing: value.prefix { $0 != 59 && $0 != 32 })
            if equalsIgnoringCase(type, "text/event-stream") { return .sse }
            return equalsIgnoringCase(type, "application/json") ? .json : .other
        }
    }

    /// The client's response head: the provider's own fields less the hop-by-hop ones, then ours. The framing, the cost and
    /// the empty line come when it is sent.
    private func makeClientHead(_ parsed: HTTPResponseHead) -> ByteBuffer {
        let fields = parsed.fields
        var buffer = loop.allocator.buffer(capacity: fields.bytes.count + 512)
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(parsed.status))
        buffer.writeStaticString(" ")
        buffer.writeString(reasonPhrase(parsed.status))
        buffer.writeStaticString("\r\n")
        let listed = connectionListedNames(fields)
        var hasRequestID = false
        var hasXRequestID = false
        for field in fields.list {
            guard fields.withName(field, { shouldForwardResponseField($0) }),
                listed.isEmpty || !listed.contains(fields.nameString(field))
            else { continue }
            if translation != nil, fields.isNamed(field, "content-type") { continue }
            if fields.isNamed(field, "request-id") { hasRequestID = true }
            if fields.isNamed(field, "x-request-id") { hasXRequestID = true }
            let start = Int(field.nameStart)
            buffer.writeBytes(fields.bytes[start..<Int(field.valueStart + field.valueCount)])
            buffer.writeStaticString("\r\n")
        }
        if let translation { writeTranslationFields(translation, into: &buffer) }
        buffer.writeStaticString("x-weir-request-id: ")
        requestID.withUTF8 { _ = buffer.writeBytes($0) }
        if !hasRequestID {
            buffer.writeStaticString("\r\nrequest-id: ")
            requestID.withUTF8 { _ = buffer.writeBytes($0) }
        }
        if !hasXRequestID {
            buffer.writeStaticString("\r\nx-request-id: ")
            requestID.withUTF8 { _ = buffer.writeBytes($0) }
        }
        if let record, !record.provider.isEmpty {
            buffer.writeStaticString("\r\nx-weir-deployment: ")
            buffer.writeString(headerSafe(record.deployment))
            buffer.writeStaticString("\r\nx-weir-overhead-us: ")
            buffer.writeString(String(record.overheadMicroseconds))
        }
        if !head.keepsAlive || loop.isDraining { buffer.writeStaticString("\r\nConnection: close") }
        buffer.writeStaticString("\r\n")
        return buffer
    }
}
