// ConsoleKit: the admin API's router over a real store in a folder of its own, asked in this process.

import AdminAPI
import Console
import Foundation
import GatewayModel
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import NIOCore
import Reports
import Storage
import Synchronization
import Testing

/// A clock that stands.
struct StandingClock: GatewayClock {
    let time: Timestamp
    func now() -> Timestamp { time }
}

/// Counts publications, and fails them when told to.
final class Publications: Sendable {
    struct Failure: Error {}

    private let state = Mutex((count: 0, fails: false))
    var count: Int { state.withLock { $0.count } }
    func setFails(_ fails: Bool) { state.withLock { $0.fails = fails } }
    func publish() throws {
        let fails = state.withLock { state in
            state.count += 1
            return state.fails
        }
        if fails { throw Failure() }
    }
}

/// An answer as a client reads it.
struct Answer: Sendable {
    var status: Int
    var body: Data

    func decoded<Body: Decodable>(_ type: Body.Type = Body.self) throws -> Body {
        try JSONDecoder().decode(type, from: body)
    }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The error of a refusal, which must have the API's shape.
    func failure() throws -> APIErrorBody.Detail {
        let object = try #require(try JSONSerialization.jsonObject(with: body) as? [String: [String: Any]], "\(text)")
        #expect(Set(object.keys) == ["error"])
        #expect(Set(try #require(object["error"]).keys) == ["code", "message", "mend", "request_id"])
        let detail = try decoded(APIErrorBody.self).error
        #expect(!detail.message.isEmpty && !detail.mend.isEmpty)
        #expect(detail.requestID.flatMap { GatewayModel.RequestID($0) } != nil)
        return detail
    }
}

/// Asks the router.
struct AdminFixture {
    let dependencies: AdminDependencies
    let publications = Publications()
    let folder: String

    init(tail: [TurnRecord] = []) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-console-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let databases = try Databases(directory: folder)
        let control = ControlStore(databases.control)
        let clock = StandingClock(time: try #require(Timestamp(rfc3339: "2026-11-24T12:00:00Z")))
        let directory = Directory(
            store: control, pepper: try Pepper(directory: folder, random: SystemRandom()), clock: clock,
            random: SystemRandom()
        ) { _, _, _, _ in }
        let publications = publications
        dependencies = AdminDependencies(
            directory: directory, control: control, reports: Reports(databases.ledger), clock: clock,
            random: SystemRandom(),
            publish: { try publications.publish() }, catchUp: {},
            status: {
                StatusView(
                    version: "test", listen: "127.0.0.1:0", snapshotVersion: 1, providers: ["openai"],
                    activeRequests: 0,
                    journalAvailable: true, journalFailure: nil, journalSequence: 0, ledgerSequence: 0, counters: [:])
            },
            tail: {
                AsyncStream { continuation in
                    for turn in tail { continuation.yield(turn) }
                    continuation.finish()
                }
            }, rerate: { [UnpricedView(deployment: "vllm/llama", turns: 3)] }, reload: {})
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Runs `body` with a function that asks: method, path, body as JSON text, headers.
    func run(
        _ body:
            @escaping @Sendable (
                @escaping @Sendable (HTTPRequest.Method, String, String?, [String: String]) async throws -> Answer
            ) async throws -> Void
    ) async throws {
        defer { remove() }
        try await Application(router: makeAdminRouter(dependencies)).test(.router) { client in
            try await body { method, path, json, fields in
                var headers = HTTPFields()
                for (name, value) in fields { headers[try #require(HTTPField.Name(name))] = value }
                return try await client.execute(
                    uri: "/api/v1\(path)", method: method, headers: headers, body: json.map { ByteBuffer(string: $0) }
                ) { response in
                    Answer(status: response.status.code, body: Data(response.body.readableBytesView))
                }
            }
        }
    }
}
