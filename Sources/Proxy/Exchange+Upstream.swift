// Exchange+Upstream: getting a connection, journaling that the request goes out, and writing it.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Providers
import WireFormat

extension Exchange {
    /// Asks the loop's pool for a connection.
    func acquireUpstream(fresh: Bool) {
        guard let provider else { return }
        phase = .waiting
        tryStarted = fresh ? loop.shared.clock.now() : received
        deadline = .now() + .seconds(Int64(snapshot.limits.connectSeconds) * 3)
        loop.pool(for: provider).acquire(self, fresh: fresh)
    }

    /// A connection is ours.
    func upstreamReady(_ connection: UpstreamConnection, isReused: Bool) {
        guard phase == .waiting else {
            connection.release(reusable: true)
            return
        }
        upstream = connection
        upstreamIsReused = isReused
        connection.exchange = self
        guard target.endpoint?.isMetered == true else {
            sendRequest()
            return
        }
        let now = loop.shared.clock.now()
        if record?.sent == nil {
            record?.sent = now
            record?.overheadMicroseconds = (now.nanoseconds - received.nanoseconds) / 1000
        }
        do {
            let position = try loop.shared.journal.turnSent(requestID, deployment: record?.deployment ?? "", at: now)
            afterSync(position) { exchange, isSafe in
                // The client may have gone while the group was synced.
                guard exchange.phase == .waiting, exchange.upstream === connection else { return }
                if isSafe { exchange.sendRequest() } else { exchange.giveUp(connection) }
            }
        } catch {
            giveUp(connection)
        }
    }

    /// The journal cannot say that this request goes out, so it does not.
    private func giveUp(_ connection: UpstreamConnection) {
        loop.shared.metrics.journalFailures.increment()
        upstream = nil
        connection.release(reusable: true)
        fail(.journalUnavailable)
    }

    /// No connection was to be had, or it broke before anything came back.
    func upstreamFailed(_ error: GatewayError, connected: Bool) {
        loop.shared.metrics.upstreamFailures.increment()
        noteTry(status: 0, error: error.code)
        if connected {
            settleCut(errorClass: error.code, status: replyStatus(error))
            answer(error)
        } else {
            fail(error)
        }
    }

    /// Ends a turn that never reached its provider.
    func fail(_ error: GatewayError) {
        settleUnsent(status: replyStatus(error), errorClass: error.code, extra: [])
        answer(error)
    }

    private func sendRequest() {
        guard let upstream, let provider else { return }
        phase = .sent
        response = ResponseRelay()
        chunks = ChunkedReader()
        meter = nil
        deadline = .now() + .seconds(Int64(snapshot.limits.firstByteSeconds))
        staleUntil = .now() + .seconds(2)
        var buffer = translation.map { makeTranslatedHead(provider, $0) } ?? makeUpstreamHead(provider)
        if body.readableBytes <= 16_384 {
            // One write for the usual request; a copy of 16 KiB costs less than a second entry in the write queue.
            writeSpliced(body, splices, into: &buffer)
            upstream.write(buffer)
            upstream.flush()
            return
        }
        upstream.write(buffer)
        if splices.isEmpty {
            unsent = body
        } else {
            unsent = loop.allocator.buffer(capacity: body.readableBytes + 64)
            writeSpliced(body, splices, into: &unsent)
        }
        writeUnsent()
    }

    /// Writes the body in slices: NIOSSL keeps an outbound buffer as large as the largest write it ever saw.
    func writeUnsent() {
        guard let upstream else { return }
        while unsent.readableBytes > 0, upstream.isWritable {
            let count = upstream.isTLS ? min(unsent.readableBytes, 64 << 10) : unsent.readableBytes
            guard let slice = unsent.readSlice(length: count) else { break }
            upstream.write(slice)
            upstream.flush()
        }
        upstream.flush()
        if unsent.readableBytes == 0 { unsent = ByteBuffer() }
    }

    func upstreamWritabilityChanged(_ connection: UpstreamConnection) {
        guard connection === upstream, unsent.readableBytes > 0 else { return }
        writeUnsent()
    }

    /// The request head that goes upstream: the client's own fields in their order and spelling, less those that are
    /// nobody else's business, then ours.
    private func makeUpstreamHead(_ provider: ProviderRuntime) -> ByteBuffer {
        let fields = head.fields
        let bodyBytes = body.readableBytes + splices.reduce(0) { $0 + $1.insert.count - $1.removeCount }
        var buffer = loop.allocator.buffer(capacity: fields.bytes.count + 512 + (body.readableBytes <= 16_384 ? bodyBytes : 0))
        buffer.writeString(head.method)
        buffer.writeStaticString(" ")
        buffer.writeString(upstreamPath(target.endpoint ?? .chatCompletions, provider: provider.provider, id: target.id))
        if !head.query.isEmpty {
            buffer.writeStaticString("?")
            buffer.writeString(head.query)
        }
        buffer.writeStaticString(" HTTP/1.1\r\n")
        buffer.writeBytes(provider.fixedFields)
        let listed = connectionListedNames(fields)
        for field in fields.list {
            let forwards = fields.withName(field) { shouldForwardRequestField($0) }
            guard forwards, listed.isEmpty || !listed.contains(fields.nameString(field)) else { continue }
            if fields.isNamed(field, "x-codex-turn-metadata"), provider.provider.kind != .openAI {
                let rewritten = fields.withValue(field) { rewriteCodexMetadata($0) }
                guard let rewritten else { continue }
                buffer.writeStaticString("x-codex-turn-metadata: ")
                buffer.writeBytes(rewritten)
                buffer.writeStaticString("\r\n")
                continue
            }
            // Name, colon, value and line end lie together in the head as it came.
            let start = Int(field.nameStart)
            let end = Int(field.valueStart + field.valueCount)
            buffer.writeBytes(fields.bytes[start..<end])
            buffer.writeStaticString("\r\n")
        }
        if provider.provider.kind == .simulated {
            buffer.writeStaticString("x-weir-request-id: ")
            requestID.withUTF8 { _ = buffer.writeBytes($0) }
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("Accept-Encoding: identity\r\n")
        if bodyBytes > 0 || head.method == "POST" {
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(bodyBytes))
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("\r\n")
        return buffer
    }
}

/// The lower-case names that the message's `Connection` fields list (RFC 9110, section 7.6.1).
func connectionListedNames(_ fields: HTTPFields) -> [String] {
    var names: [String] = []
    for field in fields.list where fields.isNamed(field, "connection") {
        guard let value = fields.valueString(field) else { continue }
        for part in value.split(separator: ",") {
            let name = part.filter { $0 != " " && $0 != "\t" }.lowercased()
            if name != "keep-alive", name != "close", !name.isEmpty { names.append(name) }
        }
    }
    return names
}

/// Copies a body with its splices carried out. Splices are sorted and do not overlap.
func writeSpliced(_ body: ByteBuffer, _ splices: [Splice], into buffer: inout ByteBuffer) {
    body.withUnsafeReadableBytes { bytes in
        var position = 0
        for splice in splices {
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position..<splice.offset]))
            buffer.writeBytes(splice.insert)
            position = splice.offset + splice.removeCount
        }
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[position...]))
    }
}
