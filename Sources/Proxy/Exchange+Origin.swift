// Exchange+Origin: a request that an `OriginHandler` answers. It passes the same gate as the data plane's and is no turn: nothing is
// reserved, sent upstream or journaled.

import GatewayModel
import Logging
import NIOCore
import Policy
import WireFormat

extension Exchange {
    /// The most that a body may hold, which is a setting on the data plane and the handler's own elsewhere.
    var bodyBytesMax: Int {
        if case .origin(let place) = target.kind { return place.route.bodyBytesMax }
        return snapshot.limits.requestBodyBytesMax
    }

    var bodyTooLarge: GatewayError {
        if case .origin(let place) = target.kind { return .originBodyTooLarge(maxBytes: place.route.bodyBytesMax) }
        return .bodyTooLarge(maxBytes: snapshot.limits.requestBodyBytesMax)
    }

    /// A handler's time; it is answered for afterwards.
    static var originSecondsMax: Int64 { 30 }

    /// What the head alone decides.
    func checkOrigin(_ route: OriginRoute) throws(GatewayError) {
        if loop.isDraining { throw .shuttingDown }
        guard route.access != .open, let client else { return }
        do throws(GatewayError) {
            let found = try authenticate(head.fields, snapshot: snapshot, at: received)
            try KeyAccess.check(key: found, at: received, peer: client.peer, endpoint: nil)
            key = found
        } catch {
            guard route.access == .reported else { throw error }
            keyError = error
        }
    }

    /// The body is here: the handler answers, off the loop.
    func askOrigin(_ place: OriginPlace) throws(GatewayError) {
        guard place.seats.take() else { throw .originBusy }
        phase = .answering
        deadline = .now() + .seconds(Self.originSecondsMax)
        let request = OriginRequest(
            requestID: requestID, received: received, method: head.method, path: head.path, query: head.query,
            fields: head.fields, body: Array(body.readableBytesView), key: key, keyError: keyError, snapshot: snapshot,
            peer: client?.peer ?? .unknown, hasTLS: client?.hasTLS ?? false)
        body = ByteBuffer()
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        let logger = loop.shared.origin.logger
        Task {
            var answer: OriginAnswer?
            do {
                answer = try await place.handler.answer(request)
            } catch {
                logger.error(
                    "a request failed",
                    metadata: ["path": "\(place.route.path)", "request_id": "\(request.requestID)", "error": "\(error)"])
            }
            place.seats.leave()
            eventLoop.execute { [answer] in bound.value.originAnswered(answer) }
        }
    }

    private func originAnswered(_ made: OriginAnswer?) {
        // It was cut or has timed out.
        guard phase == .answering else { return }
        guard let made else {
            answer(.originFailed(requestID: requestID.description))
            return
        }
        // A handler may echo what a client sent, which must not become a line of the head.
        let headers = made.headers.filter { name, value in (name + value).utf8.allSatisfy { $0 >= 32 && $0 != 127 } }
        sendLocal(made.status, headers, made.body)
    }
}
