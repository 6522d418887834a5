// Exchange+Upstream: getting a connection, journaling that the request goes out, and writing it.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import Providers
import WireFormat

extension Exchange {
    /// Asks the loop's pool for a connection.
    func acquireUpstream(fresh: Bool) {
        guard let provider else { return }
        phase = .waiting
        tryStarted = fresh ? loop.shared.clock.now() : tries == nil ? received : tryStarted
        deadline = boundedByRoute(.now() + .seconds(Int64(snapshot.limits.connectSeconds) * 3))
        let pool = loop.pool(for: provider)
        awaited = pool
        pool.acquire(self, fresh: fresh)
    }

    /// A connection is ours.
    func upstreamReady(_ connection: UpstreamConnection, isReused: Bool) {
        guard phase == .waiting else {
            connection.release(reusable: true)
            return
        }
        let now = hold(connection, isReused: isReused)
        guard target.endpoint?.isMetered == true else {
            sendRequest()
            return
        }
        do {
            sendOnceSafe(try loop.shared.journal.turnSent(requestID, deployment: turn?.deployment ?? "", at: now), on: connection)
        } catch {
            giveUp(connection)
        }
    }

    /// Takes a connection for this request, which is as good as sent from now on.
    @discardableResult
    func hold(_ connection: UpstreamConnection, isReused: Bool) -> Timestamp {
        upstream = connection
        awaited = nil
        upstreamIsReused = isReused
        connection.exchange = self
        let now = loop.shared.clock.now()
        if let turn, turn.record.sent == nil {
            turn.record.sent = now
            if tries == nil || turn.record.overheadMicroseconds == 0 {
                turn.record.overheadMicroseconds = (now.nanoseconds - received.nanoseconds) / 1000
            }
        }
        return now
    }

    /// Sends the request when the journal holds that it is sent.
    func sendOnceSafe(_ position: JournalPosition, on connection: UpstreamConnection) {
        guard snapshot.policy.waitsForSync else {
            sendRequest()
            return
        }
        afterSync(position) { exchange, isSafe in
            // The client may have gone while the group was synced.
            guard exchange.phase == .waiting, exchange.upstream === connection else { return }
            if isSafe { exchange.sendRequest() } else { exchange.giveUp(connection) }
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
        if goesOn(after: TryFailure(error)) { return }
        if connected {
            settleCut(errorClass: error.code, status: replyStatus(error))
            answer(error)
        } else {
            fail(error)
        }
    }

    /// Ends a turn that never reached its provider.
    func fail(_ error: GatewayError) {
        if tries?.parked != nil {
            endHedge()
            // The other try is at its provider, and goes on.
            if phase != .waiting { return }
        }
        settleUnsent(status: replyStatus(error), errorClass: error.code, extra: [])
        answer(error)
    }

    private func sendRequest() {
        guard let upstream, let provider else { return }
        phase = .sent
        deadline = boundedByRoute(.now() + .seconds(Int64(firstByteSeconds)))
        staleUntil = .now() + .seconds(2)
        if let tries, let rule = tries.route.route.hedge { scheduleHedge(rule, tries) }
        var buffer = translation.map { makeTranslatedHead(provider, $0) } ?? makeUpstreamHead(provider)
        if body.readableBytes <= 16_384 {
            // One write for the usual request; a copy of 16 KiB costs less than a second entry in the write queue.
            writeSpliced(body, splices, into: &buffer)
            upstream.write(buffer)
            upstream.flush()
            return
        }
        upstream.write(buffer, isContinued: true)
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

    /// `Host` and the credential.
    func credentialFields(_ provider: ProviderRuntime) -> [UInt8] {
        guard let tries, tries.credential > 0, tries.credential < provider.credentials.count else { return provider.fixedFields }
        return provider.credentials[tries.credential]
    }

    /// Seconds until a try's answer must begin.
    var firstByteSeconds: Int { tries?.route.route.firstByteSeconds ?? snapshot.limits.firstByteSeconds }

    /// A try ends with its turn's own time.
    func boundedByRoute(_ deadline: NIODeadline) -> NIODeadline {
        guard let end = tries?.plan.deadline else { return deadline }
        return min(deadline, .now() + .nanoseconds(max(0, end.nanoseconds - loop.shared.clock.now().nanoseconds)))
    }

    /// The request head that goes upstream: the client's own fields in their order and spelling, less those that are
    /// nobody else's business, then ours. With room for the body where that goes with it.
    private func makeUpstreamHead(_ provider: ProviderRuntime) -> ByteBuffer {
        var bodyBytes = body.readableBytes
        for splice in splices { bodyBytes += splice.insert.count - splice.removeCount }
        let endpoint = target.endpoint ?? .chatCompletions
        let path = provider.path(endpoint, id: target.id, model: turn?.record.model ?? "", streams: request?.stream ?? false)
        let query = upstreamQuery(provider, endpoint)
        let contentType = provider.signer == nil ? nil : head.fields.string("content-type")
        let signed = signature(provider, path: path, query: query, contentType: contentType)
        let token = provider.token?.line(at: loop.shared.clock.now()) ?? signed
        let fixed = credentialFields(provider)
        let opening = knownHead.opening(provider, path, fixed) { makeOpening(provider, path, query, fixed) }
        let bytesMax = opening.count + token.count + 160
        var buffer = loop.allocator.buffer(capacity: bytesMax + (body.readableBytes <= 16_384 ? bodyBytes : 0))
        buffer.writeHead(bytesMax: bytesMax) { writer in
            writer.bytes(opening)
            writer.bytes(token)
            if provider.provider.kind == .simulated {
                writer.literal("x-weir-request-id: ")
                writer.id(requestID)
                writer.literal("\r\n")
            }
            writer.literal("Accept-Encoding: identity\r\n")
            if bodyBytes > 0 || head.method == "POST" {
                writer.literal("Content-Length: ")
                writer.integer(Int64(bodyBytes))
                writer.literal("\r\n")
            }
            writer.literal("\r\n")
        }
        return buffer
    }

    /// The part of that head which follows from the client's head, the provider, the path and the credential.
    private func makeOpening(_ provider: ProviderRuntime, _ path: [UInt8], _ query: String, _ fixed: [UInt8]) -> [UInt8] {
        let fields = head.fields
        let listed = connectionListedNames(fields)
        let rewritten = provider.provider.kind == .openAI ? nil : rewrittenCodexMetadata(fields)
        var buffer = ByteBuffer()
        let bytesMax =
            head.method.utf8.count + path.count + query.utf8.count + fixed.count + 2 * fields.bytes.count + (rewritten?.count ?? 0) + 64
        buffer.writeHead(bytesMax: bytesMax) { writer in
            writer.text(head.method)
            writer.literal(" ")
            writer.bytes(path)
            if !query.isEmpty {
                writer.literal("?")
                writer.text(query)
            }
            writer.literal(" HTTP/1.1\r\n")
            writer.bytes(fixed)
            var left = rewritten
            fields.bytes.withUnsafeBytes { all in
                for index in 0..<fields.list.count {
                    let field = fields.list[index]
                    let start = Int(field.nameStart)
                    let name = UnsafeRawBufferPointer(rebasing: all[start..<start + Int(field.nameCount)])
                    guard shouldForwardRequestField(name), listed.isEmpty || !listed.contains(fields.nameString(field))
                    else { continue }
                    if provider.provider.kind != .openAI, equalsIgnoringCase(name, "x-codex-turn-metadata") {
                        guard let found = left.take() else { continue }
                        writer.literal("x-codex-turn-metadata: ")
                        writer.bytes(found)
                        writer.literal("\r\n")
                        continue
                    }
                    writer.line(field, of: all)
                }
            }
        }
        return Array(buffer.readableBytesView)
    }

    /// The client's query, less the key that may stand in it, and what the provider wants there.
    private func upstreamQuery(_ provider: ProviderRuntime, _ endpoint: Endpoint) -> String {
        var query = head.query
        if endpoint.dialect == .gemini, !query.isEmpty { query = splitQueryKey(query).rest }
        guard let fixed = provider.fixedQuery else { return query }
        return query.isEmpty ? fixed : "\(query)&\(fixed)"
    }

    /// What other providers than OpenAI get of Codex's metadata: no local paths.
    private func rewrittenCodexMetadata(_ fields: HTTPFields) -> [UInt8]? {
        fields.first("x-codex-turn-metadata").flatMap { fields.withValue($0) { rewriteCodexMetadata($0) } }
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
