// Exchange+ResponseHead: the provider's head is read, decides how its body will be metered and framed, and becomes the client's, whose
// framing is written here too.

import Dialects
import GatewayModel
import NIOCore
import Policy
import WireFormat

extension Exchange {
    /// True when the head was read; informational responses are passed over.
    func readResponseHead(_ bytes: inout ByteBuffer) throws(HTTPHeadError) -> Bool {
        while true {
            let end = try bytes.withUnsafeReadableBytes { view throws(HTTPHeadError) in
                try response.scanner.end(in: view, bytesMax: snapshot.limits.headerBytesMax)
            }
            guard let end else { return false }
            let method = head.method
            let parsed = try bytes.withUnsafeReadableBytes { view throws(HTTPHeadError) in
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
        // From here on nothing is asked again but by a route, which keeps its own: an agent's body is large, and its stream may last
        // for minutes.
        body = ByteBuffer()
        splices = []
        if let turn {
            let now = loop.shared.clock.now()
            if turn.record.firstByte == nil { turn.record.firstByte = now }
            turn.record.status = parsed.status
            turn.record.upstreamRequestID =
                parsed.fields.string("x-request-id") ?? parsed.fields.string("request-id") ?? parsed.fields.string("x-amzn-requestid")
            noteTry(status: parsed.status, error: parsed.status >= 400 ? "http_\(parsed.status)" : nil, at: now)
            if tries != nil { response.isErrorHeld = holdsAnswer(status: parsed.status, isPage: isPage(parsed), at: now) }
        }
        if case .length(let count) = parsed.framing { response.remaining = count }

        let endpoint = translation?.endpoint ?? target.endpoint ?? .chatCompletions
        // A status that has no body has no stream either, whatever its type says: not even the end of one may go out.
        var kind = parsed.framing == .none ? ResponseBodyKind.other : bodyKind(parsed)
        // Gemini's stream without `alt=sse` is one array, whose elements come as they are made.
        if kind == .json, endpoint == .streamGenerateContent, parsed.status < 300 { kind = .objects }
        translation?.begin(kind, status: parsed.status)
        if parsed.status < 300, endpoint.isMetered {
            response.withholds = injectsUsage && kind == .sse
            meter = ResponseMeter(
                endpoint: endpoint, body: kind, withholdsUsageEvent: response.withholds,
                lineBytesMax: snapshot.limits.sseLineBytesMax, model: endpoint.dialect.isBedrock ? turn?.record.model ?? "" : "")
        }
        if response.isErrorHeld {
            response.mode = .held
        } else if let translation {
            response.mode = translation.passesOn ? .reframed : .held
        } else if response.withholds || parsed.framing == .untilClose {
            response.mode = .reframed
        } else if !kind.isStream {
            response.mode = .held
        }
        if limits != nil, parsed.status < 300 {
            if kind == .sse { beginElastic() }
            journalWhole()
        }
        response.clientHead = makeClientHead(parsed)
    }

    private func writeTranslationFields(_ translation: TurnTranslation, _ writer: inout HeadWriter) {
        writer.literal("Content-Type: ")
        writer.text(translation.contentType)
        writer.literal("\r\n")
        if target.endpoint?.dialect.isBedrock == true {
            writer.literal("x-amzn-requestid: ")
            writer.id(requestID)
            writer.literal("\r\n")
        }
        if let type = translation.awsErrorType {
            writer.literal("x-amzn-errortype: ")
            writer.safeText(type)
            writer.literal("\r\n")
        }
        guard !translation.dropped.isEmpty else { return }
        writer.literal("x-weir-dropped: ")
        writer.safeText(translation.dropped.joined(separator: ", "))
        writer.literal("\r\n")
    }

    /// An answer that no endpoint gives: of a proxy, or of a sign-in page in between.
    private func isPage(_ head: HTTPResponseHead) -> Bool {
        guard target.endpoint?.isMetered == true, let field = head.fields.first("content-type") else { return false }
        return head.fields.withValue(field) { equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: $0.prefix(9)), "text/html") }
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
            if equalsIgnoringCase(type, "application/x-ndjson") { return .objects }
            if equalsIgnoringCase(type, "application/vnd.amazon.eventstream") { return .eventStream }
            return equalsIgnoringCase(type, "application/json") ? .json : .other
        }
    }

    /// The client's response head: the provider's own fields less the hop-by-hop ones, then ours. The framing, the cost and
    /// the empty line come when it is sent.
    func makeClientHead(_ parsed: HTTPResponseHead) -> ByteBuffer {
        let status = translation?.status ?? parsed.status
        let fields = parsed.fields
        let listed = connectionListedNames(fields)
        let deployment = turn?.deployment ?? ""
        let route = tries?.route.route.name ?? ""
        let dropped = translation.map { $0.dropped.reduce(96) { $0 + $1.utf8.count + 2 } } ?? 0
        let limitFields = limits?.fields ?? []
        let bytesMax =
            fields.bytes.count + 2 * fields.list.count + deployment.utf8.count + 384 + dropped + route.utf8.count + limitFields.count
        // A small whole answer goes out in one piece with its head.
        var bodyBytes = 0
        if case .length(let count) = parsed.framing, count <= 16_384 { bodyBytes = count }
        var buffer = loop.allocator.buffer(capacity: bytesMax + Self.framingBytesMax + bodyBytes)
        buffer.writeHead(bytesMax: bytesMax) { writer in
            writer.literal("HTTP/1.1 ")
            writer.integer(Int64(status))
            writer.literal(" ")
            writer.text(reasonPhrase(status))
            writer.literal("\r\n")
            var hasRequestID = false
            var hasXRequestID = false
            fields.bytes.withUnsafeBytes { all in
                for index in 0..<fields.list.count {
                    let field = fields.list[index]
                    let start = Int(field.nameStart)
                    let name = UnsafeRawBufferPointer(rebasing: all[start..<start + Int(field.nameCount)])
                    guard shouldForwardResponseField(name), listed.isEmpty || !listed.contains(fields.nameString(field))
                    else { continue }
                    if translation != nil, equalsIgnoringCase(name, "content-type") { continue }
                    if equalsIgnoringCase(name, "request-id") { hasRequestID = true }
                    if equalsIgnoringCase(name, "x-request-id") { hasXRequestID = true }
                    writer.line(field, of: all)
                }
            }
            if let translation { writeTranslationFields(translation, &writer) }
            writer.literal("x-weir-request-id: ")
            writer.id(requestID)
            if !hasRequestID {
                writer.literal("\r\nrequest-id: ")
                writer.id(requestID)
            }
            if !hasXRequestID {
                writer.literal("\r\nx-request-id: ")
                writer.id(requestID)
            }
            if !deployment.isEmpty {
                writer.literal("\r\nx-weir-deployment: ")
                writer.safeText(deployment)
                if !route.isEmpty {
                    writer.literal("\r\nx-weir-route: ")
                    writer.safeText(route)
                }
                writer.literal("\r\nx-weir-overhead-us: ")
                writer.integer(turn?.record.overheadMicroseconds ?? 0)
                if caching != nil { writer.literal("\r\nx-weir-cache: miss") }
            }
            if !head.keepsAlive || loop.isDraining { writer.literal("\r\nConnection: close") }
            writer.literal("\r\n")
            if !limitFields.isEmpty { writer.bytes(limitFields) }
        }
        return buffer
    }

    // MARK: Framing

    /// The framing line of the client's head and the empty line.
    func writeFraming(_ buffer: inout ByteBuffer, bodyBytes: Int?) {
        guard let parsed = response.head else { return }
        buffer.writeHead(bytesMax: Self.framingBytesMax) { writer in
            var count: Int?
            switch (parsed.framing, response.mode) {
            case (.length(let declared), .verbatim),
                (.length(let declared), .held) where translation == nil:
                count = declared
            case (_, .held): count = bodyBytes ?? 0
            default: break
            }
            if parsed.framing != .none {
                if let count {
                    writer.literal("Content-Length: ")
                    writer.integer(Int64(count))
                    writer.literal("\r\n")
                } else {
                    writer.literal("Transfer-Encoding: chunked\r\n")
                }
            }
            if response.isSettled, response.mode == .held, let turn, !turn.record.flags.contains(.unpriced) {
                writer.literal("x-weir-cost-nano-usd: ")
                writer.integer(turn.record.cost.value)
                writer.literal("\r\n")
            }
            writer.literal("\r\n")
        }
    }

    /// More than the framing, the cost and the empty line take.
    static var framingBytesMax: Int { 128 }

    /// A piece of a body that is framed anew, and the end behind the last.
    func writeChunk(_ out: ByteBuffer, isLast: Bool, into buffer: inout ByteBuffer) {
        if out.readableBytes > 0 {
            buffer.writeString(String(out.readableBytes, radix: 16))
            buffer.writeStaticString("\r\n")
            buffer.writeImmutableBuffer(out)
            buffer.writeStaticString("\r\n")
        }
        if isLast { buffer.writeStaticString("0\r\n\r\n") }
    }
}
