// Exchange+Response: the response passes through. Bytes go on in the buffer they came in; the meter looks at them on the way;
// the turn is settled in the journal before its last byte goes to the client.

import Dialects
import GatewayModel
import Journal
import NIOCore
import Policy
import WireFormat

extension Exchange {
    /// Bytes from the provider.
    func upstreamRead(_ incoming: ByteBuffer, from connection: UpstreamConnection) {
        guard connection === upstream else {
            if let tries, let parked = tries.parked, parked.state.connection === connection { parkedRead(incoming, parked, tries) }
            return
        }
        var bytes = incoming
        if response.head == nil {
            if response.headBytes.readableBytes > 0 {
                response.headBytes.writeBuffer(&bytes)
                bytes = response.headBytes
            }
            do throws(HTTPHeadError) {
                guard try readResponseHead(&bytes) else {
                    response.headBytes = bytes
                    return
                }
            } catch {
                upstreamIsMalformed(error.reason)
                return
            }
            response.headBytes = ByteBuffer()
        }
        if !response.isErrorHeld, phase == .relaying { deadline = .distantFuture }
        sweepsSinceRead = 0
        do throws(HTTPHeadError) {
            try relayBody(&bytes)
        } catch {
            upstreamIsMalformed(error.reason)
            return
        }
        if response.isOversized, phase == .relaying, !response.isSettled { upstreamIsMalformed("the answer is too large to be translated") }
    }

    func upstreamReadComplete() {
        guard let client else { return }
        if !response.hasStarted { sendHeadOfStream() }
        client.sink.flush()
        if !client.sink.isWritable, phase == .relaying, blockedSince == nil {
            blockedSince = .now()
            upstream?.setReading(false)
        }
    }

    /// The upstream connection is gone.
    func upstreamClosed(_ connection: UpstreamConnection) {
        guard connection === upstream else {
            if let tries, let parked = tries.parked, parked.state.connection === connection { parkedClosed(parked, tries) }
            return
        }
        upstream = nil
        if phase == .relaying, response.head?.framing == .untilClose, connection.lastError == nil {
            bodyEnded(rest: ByteBuffer(), reusable: false)
            return
        }
        // A kept connection that its server had already given up answers nothing; nothing of this request was served.
        if phase == .sent, upstreamIsReused, !retriedStaleConnection, response.headBytes.readableBytes == 0,
            client != nil, NIODeadline.now() < staleUntil
        {
            retriedStaleConnection = true
            response = ResponseRelay()
            chunks = ChunkedReader()
            meter = nil
            loop.shared.metrics.staleRetries.increment()
            noteTry(status: 0, error: "stale_connection")
            acquireUpstream(fresh: true)
            return
        }
        upstreamBroke(.upstreamClosed(provider: turn?.record.provider ?? provider?.provider.name ?? ""))
    }

    func timedOut() {
        let name = provider?.provider.name ?? ""
        switch phase {
        case .waiting:
            upstreamFailed(.upstreamTimedOut(provider: name, seconds: snapshot.limits.connectSeconds * 3), connected: false)
        case .sent:
            upstreamBroke(.upstreamTimedOut(provider: name, seconds: firstByteSeconds))
        // Its provider has done its part, and only the journal is waited for.
        case .relaying where response.isSettled: break
        case .relaying:
            upstreamBroke(.upstreamTimedOut(provider: name, seconds: snapshot.limits.streamIdleSeconds))
        case .answering: answer(.originTimedOut(seconds: Int(Self.originSecondsMax)), keepsAlive: false)
        case .receiving, .finished: break
        }
    }

    /// The provider failed in the middle. Before the first byte the client gets an error; after it, a broken stream.
    private func upstreamBroke(_ error: GatewayError) {
        loop.shared.metrics.upstreamFailures.increment()
        closeUpstream()
        if !response.hasStarted, client != nil {
            if response.head == nil { noteTry(status: 0, error: error.code) } else { turn?.record.tries.lastError = error.code }
            // An error answer whose end did not come is still what its status says.
            if response.isErrorHeld ? goesOnAfterAnswer(response.heldBody, reusable: false) : goesOn(after: TryFailure(error)) { return }
            settleCut(errorClass: error.code, status: replyStatus(error))
            answer(error)
            return
        }
        tries?.failed(TryFailure(error), at: loop.shared.clock.now())
        settleCut(errorClass: response.hasStarted ? "upstream_truncated" : error.code, status: 499)
        let held = client
        finish()
        held?.sink.flush()
        held?.close()
    }

    private func upstreamIsMalformed(_ reason: String) {
        upstreamBroke(.upstreamMalformed(provider: turn?.record.provider ?? "", reason: reason))
    }

    // MARK: Body

    private func relayBody(_ bytes: inout ByteBuffer) throws(HTTPHeadError) {
        guard let framing = response.head?.framing else { return }
        switch framing {
        case .none:
            // Whatever was made of nothing in another dialect would stand behind a status that has no body (RFC 9112, section 6.3).
            if translation != nil { return upstreamIsMalformed("the answer has no content to translate") }
            bodyEnded(rest: ByteBuffer(), reusable: bytes.readableBytes == 0)
        case .length:
            let take = min(response.remaining, bytes.readableBytes)
            let extra = bytes.readableBytes - take
            guard let slice = bytes.readSlice(length: take) else { return }
            response.remaining -= take
            let out = metered(slice)
            if isStoppedByLimit {
                stopAnswer(out)
            } else if response.remaining == 0 {
                bodyEnded(rest: out, reusable: extra == 0)
            } else {
                forward(out)
            }
        case .chunked:
            var payload = ByteBuffer()
            let keepsFraming = response.mode == .verbatim && translation == nil
            let consumed = try bytes.withUnsafeReadableBytes { view throws(HTTPHeadError) in
                try chunks.read(view) { slice in meter(slice, keeps: !keepsFraming, into: &payload) }
            }
            let extra = bytes.readableBytes - consumed
            let out = keepsFraming ? (extra == 0 ? bytes : bytes.readSlice(length: consumed) ?? ByteBuffer()) : payload
            if isStoppedByLimit {
                stopAnswer(out)
            } else if chunks.isDone {
                bodyEnded(rest: out, reusable: extra == 0)
            } else {
                forward(out)
            }
        case .untilClose:
            let out = metered(bytes)
            if isStoppedByLimit { stopAnswer(out) } else { forward(out) }
        }
    }

    /// Shows bytes to the meter and gives what goes to the client: the same buffer, unless an event is withheld.
    private func metered(_ bytes: ByteBuffer) -> ByteBuffer {
        var kept = ByteBuffer()
        let withholds = response.withholds || translation != nil || limits?.elastic != nil
        bytes.withUnsafeReadableBytes { meter($0, keeps: withholds, into: &kept) }
        return withholds ? kept : bytes
    }

    /// Counts payload; what may go on is collected in `out` when the caller cannot forward its own buffer.
    private func meter(_ payload: UnsafeRawBufferPointer, keeps: Bool, into out: inout ByteBuffer) {
        guard limits?.elastic == nil else {
            var written = ByteBuffer()
            meterUngated(payload, keeps: true, into: &written)
            passGate(written, into: &out)
            return
        }
        meterUngated(payload, keeps: keeps, into: &out)
    }

    private func meterUngated(_ payload: UnsafeRawBufferPointer, keeps: Bool, into out: inout ByteBuffer) {
        if let translation {
            translate(payload, translation, into: &out)
            return
        }
        guard response.withholds else {
            meter?.consume(payload)
            if digests != nil { digests?.addOut(payload) }
            if let caching { caching.record(payload) }
            response.bytesOut += Int64(payload.count)
            if keeps { out.writeBytes(payload) }
            return
        }
        var count = 0
        meter?.consume(payload) { kept in
            count += kept.count
            digests?.addOut(kept)
            caching?.record(kept)
            out.writeBytes(kept)
        }
        response.bytesOut += Int64(count)
    }

    /// Sends what came, or holds it while the whole answer may still be small.
    private func forward(_ out: ByteBuffer) {
        noteProgress()
        guard client != nil else { return }
        if let tries, !response.hasStarted, out.readableBytes > 0 {
            tries.headHeldUntil = nil
            if goesOnAfterFirstEvent() { return }
        }
        if response.mode == .held {
            var out = out
            response.heldBody.writeBuffer(&out)
            guard response.heldBody.readableBytes > ResponseRelay.heldBytesMax else { return }
            let held = response.heldBody
            if goesOnAfterAnswer(held, reusable: false) { return }
            response.heldBody = ByteBuffer()
            // Only a length that was declared still holds for what is sent in pieces.
            if case .length? = response.head?.framing { response.mode = .verbatim } else { response.mode = .reframed }
            send(held, isLast: false)
            return
        }
        send(out, isLast: false)
    }

    /// A stream's head does not wait for its first event, which may take a model minutes: clients have limits for heads.
    private func sendHeadOfStream() {
        guard phase == .relaying, response.mode != .held, response.clientHead.readableBytes > 0, !holdsHead else { return }
        startResponse()
        var buffer = response.clientHead
        response.clientHead = ByteBuffer()
        writeFraming(&buffer, bodyBytes: nil)
        client?.sink.send(buffer)
    }

    /// From here on nothing can be tried again.
    private func startResponse() {
        response.hasStarted = true
        if let tries { tries.body = ByteBuffer() }
    }

    /// The first event did not come in time: the client's own limit for a head counts more than what could still be tried.
    func releaseHead() {
        tries?.headHeldUntil = nil
        sendHeadOfStream()
        client?.sink.flush()
    }

    private func send(_ out: ByteBuffer, isLast: Bool) {
        guard let client else { return }
        let isReframed = response.mode == .reframed
        if !response.hasStarted {
            guard isLast || out.readableBytes > 0 else { return }
            startResponse()
            var buffer = response.clientHead
            response.clientHead = ByteBuffer()
            writeFraming(&buffer, bodyBytes: isLast ? out.readableBytes : nil)
            if isReframed {
                writeChunk(out, isLast: isLast, into: &buffer)
            } else {
                buffer.writeImmutableBuffer(out)
            }
            client.sink.send(buffer)
            return
        }
        guard isReframed else {
            client.sink.send(out)
            return
        }
        guard isLast || out.readableBytes > 0 else { return }
        var buffer = loop.allocator.buffer(capacity: out.readableBytes + 24)
        writeChunk(out, isLast: isLast, into: &buffer)
        client.sink.send(buffer)
    }

    /// The body is whole: settle, then send what is left, then let both connections go on.
    func bodyEnded(rest: ByteBuffer, reusable: Bool) {
        var last = rest
        if response.isErrorHeld {
            var whole = response.heldBody
            whole.writeImmutableBuffer(rest)
            if goesOnAfterAnswer(whole, reusable: reusable) { return }
        } else if tries != nil, goesOnAfterFirstEvent() || goesOnAfterNothing(rest) {
            return
        }
        let isGated = limits?.elastic != nil
        if isGated { last = ByteBuffer() }
        if let translation {
            finishTranslation(translation, into: &last)
        } else if response.withholds {
            var count = 0
            meter?.finish { kept in
                count += kept.count
                digests?.addOut(kept)
                caching?.record(kept)
                last.writeBytes(kept)
            }
            response.bytesOut += Int64(count)
        } else {
            meter?.finish { _ in }
        }
        if isGated {
            var passed = rest
            passGate(last, into: &passed)
            finishGate(into: &passed)
            last = passed
        }
        if response.mode == .held {
            if response.heldBody.readableBytes > 0 {
                response.heldBody.writeBuffer(&last)
                last = response.heldBody
            }
        }
        guard let position = settleComplete() else {
            finishBody(last, reusable: reusable)
            return
        }
        if snapshot.policy.waitsForSync {
            // The turn is settled with this answer: what its provider sends from here on, or that it closes, is none of its business.
            releaseUpstream(reusable: reusable)
            deadline = .distantFuture
            blockedSince = nil
            client?.sink.flush()
        }
        // What was served is served: the client gets its end even where the disk has failed.
        afterSync(position) { exchange, _ in exchange.finishBody(last, reusable: reusable) }
    }

    private func finishBody(_ last: ByteBuffer, reusable: Bool) {
        guard phase == .relaying else { return }
        send(last, isLast: true)
        releaseUpstream(reusable: reusable)
        finishRelay(keepsAlive: head.keepsAlive)
    }

    /// The provider has done its part: its connection serves the next request, where it can.
    private func releaseUpstream(reusable: Bool) {
        guard let connection = upstream else { return }
        upstream = nil
        // A provider that answered before it had read the whole request would read the rest as the next one.
        let isWhole = unsent.readableBytes == 0
        connection.setReading(true)
        connection.release(reusable: reusable && isWhole && response.head?.keepsAlive == true)
    }

    /// The end that a limit put to the answer goes out, and the client may ask again.
    func endAnswer(_ last: ByteBuffer) {
        guard phase == .relaying else { return }
        send(last, isLast: true)
        finishRelay(keepsAlive: head.keepsAlive)
    }

    /// Journals how far a long stream has come, so that a crash bills what was seen.
    private func noteProgress() {
        guard isReserved, response.bytesOut - response.progressBytes >= 65_536 else { return }
        response.progressBytes = response.bytesOut
        guard let reading = meter?.reading else { return }
        _ = try? loop.shared.journal.turnProgress(
            requestID, contentBytes: reading.contentBytes, usage: reading.usage, at: loop.shared.clock.now())
    }
}
