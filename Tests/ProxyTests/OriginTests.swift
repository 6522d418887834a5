// OriginTests: what the gateway answers beside the data plane: the gate in front of a handler, and what its failures look like.

import Foundation
import GatewayModel
import Policy
import Proxy
import RawWire
import Synchronization
import Testing

/// Answers with what it was asked, waits on request, and fails on request.
private final class Echo: OriginHandler {
    let routes = [
        OriginRoute("/open", methods: ["GET", "POST"], access: .open, bodyBytesMax: 16),
        OriginRoute("/closed", methods: ["GET"], access: .key),
        OriginRoute("/told", methods: ["GET"], access: .reported),
        OriginRoute("/below/*", methods: ["GET"], access: .open),
        OriginRoute("/fails", methods: ["GET"], access: .open),
        OriginRoute("/waits", methods: ["GET"], access: .key),
        OriginRoute("/v1/models", methods: ["GET"], access: .open),
    ]
    let concurrentRequestsMax = 2
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let ended = Atomic<Int>(0)

    struct Failure: Error {}

    func answer(_ request: OriginRequest) async throws -> OriginAnswer {
        if request.path == "/fails" { throw Failure() }
        if request.path == "/waits" {
            await withCheckedContinuation { one in waiting.withLock { $0.append(one) } }
        }
        ended.wrappingAdd(1, ordering: .sequentiallyConsistent)
        let words = [
            request.method, request.path, request.query, String(decoding: request.body, as: UTF8.self),
            request.key?.principal.developer ?? request.keyError?.code ?? "nobody", request.peer.description,
            request.hasTLS ? "tls" : "plain", request.host ?? "",
        ]
        return OriginAnswer(
            status: 201, headers: [("Content-Type", "text/plain"), ("x-odd", "a\r\nx-smuggled: 1")],
            body: Array(words.joined(separator: " ").utf8))
    }

    var waitingCount: Int { waiting.withLock { $0.count } }
    var endedCount: Int { ended.load(ordering: .sequentiallyConsistent) }

    func letGo() {
        let all = waiting.withLock { held in
            defer { held = [] }
            return held
        }
        for one in all { one.resume() }
    }
}

private func get(_ path: String, _ fields: [(String, String)] = [], method: String = "GET") -> String {
    let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    return "\(method) \(path) HTTP/1.1\r\nHost: gw.example\r\n\(lines)\r\n"
}

@Suite struct OriginTests {
    @Test(arguments: [false, true])
    func aHandlerSeesTheWholeRequest(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS, origin: [Echo()]) { gateway in
            let reply = try await gateway.ask(postText("/open?a=b%20c", "body", []))
            #expect(reply.status == 201 && reply.header("content-type") == "text/plain")
            #expect(reply.text.hasPrefix("POST /open a=b%20c body nobody 127.0.0.1 \(hasTLS ? "tls" : "plain")"))
            #expect(reply.header("x-weir-request-id")?.isEmpty == false && reply.header("x-smuggled") == nil)
            let below = try await gateway.ask(get("/below/a//b"))
            #expect(below.text.contains("/below/a//b"))
        }
    }

    @Test func aHeadGetsTheHeadAlone() async throws {
        try await Gateway.run(origin: [Echo()]) { gateway in
            let connection = try await gateway.connect()
            try await connection.send(get("/open", method: "HEAD") + get("/healthz"))
            let head = try await connection.read(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 201") && head.contains("Content-Length: "))
            #expect(try await connection.reply().text == #"{"status":"ok"}"#)
            await connection.close()
        }
    }

    @Test func aKeyIsAskedForWhereItIsNeeded() async throws {
        try await Gateway.run(origin: [Echo()]) { gateway in
            let none = try await gateway.ask(get("/closed"))
            #expect(none.status == 401 && none.header("content-type") == "application/json")
            #expect(try await gateway.ask(get("/closed", gateway.fields())).text.contains(" maria "))
            #expect(try await gateway.ask(get("/told")).text.contains(" invalid_api_key "))
            #expect(try await gateway.ask(get("/told", gateway.fields(1))).text.contains(" jon "))
            // A key for chat alone, from here alone, still opens what is no endpoint.
            try await gateway.publish { keys, _ in
                keys[0].endpoints = [.chatCompletions]
                keys[0].networks = ["127.0.0.0/8"]
                keys[1].networks = ["10.0.0.0/8"]
            }
            #expect(try await gateway.ask(get("/closed", gateway.fields())).status == 201)
            let elsewhere = try await gateway.ask(get("/closed", gateway.fields(1)))
            #expect(elsewhere.status == 403 && elsewhere.text.contains("address_not_allowed"))
            try await gateway.publish { keys, _ in
                keys[0].revoked = true
                keys[1].expires = Timestamp(nanoseconds: 1)
            }
            #expect(try await gateway.ask(get("/closed", gateway.fields())).text.contains("revoked_api_key"))
            #expect(try await gateway.ask(get("/told", gateway.fields(1))).text.contains(" expired_api_key "))
            #expect(gateway.journaled().turns == [], "none of it is a turn")
        }
    }

    @Test func refusalsAreJSONAndUnknownPathsStayUnknown() async throws {
        try await Gateway.run(origin: [Echo()]) { gateway in
            for (request, status, code) in [
                (get("/open", method: "DELETE"), 405, "method_not_allowed"), (get("/below"), 404, "unknown_path"),
                (get("/open/"), 404, "unknown_path"), (get("/fails"), 500, "internal"),
                (postText("/open", String(repeating: "x", count: 17), []), 413, "request_too_large"),
            ] {
                let reply = try await gateway.ask(request)
                #expect(reply.status == status && reply.text.contains("\"\(code)\""), "\(request)")
                #expect(reply.header("content-type") == "application/json" && reply.header("location") == nil)
                if status == 405 { #expect(reply.header("allow") == "GET, HEAD, POST") }
                if status == 500 { #expect(reply.text.contains(reply.header("x-weir-request-id") ?? "?")) }
            }
            #expect(try await gateway.ask(get("/v1/models")).status == 401, "the data plane's paths cannot be shadowed")
        }
    }

    @Test func moreThanTheHandlerTakesAreToldToComeAgain() async throws {
        let echo = Echo()
        try await Gateway.run(origin: [echo]) { gateway in
            let first = try await gateway.connect()
            let second = try await gateway.connect()
            for connection in [first, second] { try await connection.send(get("/waits", gateway.fields())) }
            try await waitUntil("two wait") { echo.waitingCount == 2 }
            let refused = try await gateway.ask(get("/open"))
            #expect(refused.status == 503 && refused.header("retry-after") == "1" && refused.text.contains("\"busy\""))
            // One client goes; its request is carried out all the same, and the other is answered.
            await first.close()
            echo.letGo()
            #expect(try await second.reply().status == 201)
            try await waitUntil("both have ended") { echo.endedCount == 2 }
            #expect(try await gateway.ask(get("/open")).status == 201)
            try await waitUntil("nothing is left") { await gateway.server.activeCount() == 0 }
            await second.close()
        }
    }

    @Test func aKeyRevokedMeanwhileIsRefusedAndTheLateAnswerDropped() async throws {
        let echo = Echo()
        try await Gateway.run(origin: [echo]) { gateway in
            let connection = try await gateway.connect()
            try await connection.send(get("/waits", gateway.fields()))
            try await waitUntil("it waits") { echo.waitingCount == 1 }
            try await gateway.publish { keys, _ in keys[0].revoked = true }
            let reply = try await connection.reply()
            #expect(reply.status == 401 && reply.text.contains("revoked_api_key"))
            echo.letGo()
            #expect(await connection.isClosed())
            #expect(try await gateway.ask(get("/open")).status == 201)
        }
    }
}
