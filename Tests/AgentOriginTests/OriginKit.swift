// OriginKit: the handler over a real directory in a folder of its own, asked in this process, with a clock that a test sets.

import AgentOrigin
import Foundation
import GatewayModel
import Identity
import Policy
import Providers
import Proxy
import Storage
import Synchronization
import Testing
import WireFormat

/// A clock that stands until it is moved.
final class SetClock: GatewayClock {
    private let time = Mutex(Timestamp(nanoseconds: 1_795_521_600_000_000_000))
    func now() -> Timestamp { time.withLock { $0 } }
    func advance(milliseconds: Int64) {
        time.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + milliseconds * 1_000_000) }
    }
}

/// Approves whoever knows the password, as single sign-on would: for the developer that it names.
struct PasswordApprover: DeviceApprover {
    let directory: Directory

    func approve(_ grant: DeviceGrantRow, _ proof: ApprovalProof) async throws -> DeviceGrantRow? {
        guard proof.invitation == "open sesame" else { return nil }
        let invited = try directory.invite(developer: "sso-user", team: "web", email: nil, expires: nil)
        return try directory.approveDevice(grant, invitation: invited.code)
    }
}

/// An answer with its fields by lower-case name.
struct Answered {
    var status: Int
    var fields: [String: String]
    var text: String
    var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:] }
    var error: String? { json["error"] as? String }
}

final class OriginFixture {
    let folder: String
    let clock = SetClock()
    let directory: Directory
    let origin: AgentOrigin

    init(settings: AgentOriginSettings = AgentOriginSettings(), usesPassword: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-origin-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        directory = Directory(
            store: ControlStore(try Databases(directory: folder).control),
            pepper: try Pepper(directory: folder, random: SystemRandom()), clock: clock, random: SystemRandom()
        ) { _, _, _, _ in }
        _ = try directory.createTeam("web")
        let approver: (any DeviceApprover)? = usesPassword ? PasswordApprover(directory: directory) : nil
        origin = AgentOrigin(
            AgentOriginDependencies(
                directory: directory, clock: clock, settings: { settings }, publish: {}, approver: approver))
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func ask(
        _ method: String, _ path: String, query: String = "", form: String? = nil, peer: [UInt8] = [192, 0, 2, 1],
        fields: [(String, String)] = []
    ) async throws -> Answered {
        let type = form == nil ? [] : [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
        let snapshot = GatewaySnapshot(
            version: 1, keys: [:], providers: [], prices: PriceBook(rows: [], version: ""), limits: Limits(), policy: GatewayPolicy(),
            pepper: directory.pepper.bytes)
        let request = OriginRequest(
            requestID: RequestID(time: clock.now(), random: 1, random12: 1), received: clock.now(), method: method, path: path,
            query: query, fields: HTTPFields([("Host", "gw.example")] + type + fields), body: Array((form ?? "").utf8), key: nil,
            keyError: nil, snapshot: snapshot, peer: PeerAddress(peer), hasTLS: true)
        let answer = try await origin.answer(request)
        return Answered(
            status: answer.status,
            fields: Dictionary(answer.headers.map { ($0.0.lowercased(), $0.1) }) { first, _ in first },
            text: String(decoding: answer.body, as: UTF8.self))
    }

    func begin() async throws -> (device: String, user: String) {
        let answer = try await ask("POST", "/device/code", form: "client_id=test")
        return (
            try #require(answer.json["device_code"] as? String), try #require(answer.json["user_code"] as? String)
        )
    }

    func poll(_ device: String, peer: [UInt8] = [192, 0, 2, 1]) async throws -> Answered {
        let type = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
        return try await ask("POST", "/device/token", form: "grant_type=\(type)&device_code=\(device)", peer: peer)
    }
}
