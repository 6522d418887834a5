// GatewayProbe: what a developer's machine asks a gateway: its models, and the files that it serves to agents.

import AsyncHTTPClient
import ClientSetup
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Talks to the data plane of one gateway.
struct GatewayProbe: Sendable {
    let gateway: String
    let key: String?

    private static let answerBytesMax = 16 << 20
    /// Lives as long as the process. Nobody wants to wait for a gateway that is not there, so a connection is tried once.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        // The key goes to the address that was given and to no other.
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// An answer.
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func get(_ path: String, isAuthorized: Bool = true) async throws -> Answer {
        try await send(.GET, gateway + path, headers: isAuthorized ? key.map { [("authorization", "Bearer \($0)")] } ?? [] : [], body: nil)
    }

    func send(_ method: HTTPMethod, _ url: String, headers: [(String, String)], body: String?) async throws -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: Self.answerBytesMax)
            return Answer(status: Int(response.status.code), headers: response.headers, body: Array(buffer: bytes))
        } catch {
            throw CommandFailure(
                "gateway_unreachable", "\(url) does not answer: \(error)",
                mend: "see whether the address is right and the gateway runs: curl \(gateway)/healthz")
        }
    }

    /// The models that the key may use, with limits and prices where the gateway tells them.
    func models() async throws -> [OfferedModel] {
        let answer = try await get("/v1/models")
        if answer.status == 401 || answer.status == 403 {
            throw CommandFailure(
                "key_refused", "\(gateway) does not accept the key: \(Self.message(answer) ?? "status \(answer.status)")",
                mend: "get another one: weir login \(gateway)   (or --key KEY)")
        }
        guard answer.status == 200, let list = try? FileFormat.json.parse(answer.body), !list.members.isEmpty else {
            throw CommandFailure(
                "not_a_gateway", "\(gateway)/v1/models answers \(answer.status) and no list of models",
                mend: "see whether this is Weir's address: curl \(gateway)/healthz")
        }
        let details = try? await get("/opencode/api.json")
        let catalogue = details.flatMap { $0.status == 200 ? try? FileFormat.json.parse($0.body) : nil }
        return (list["data"]?.elements ?? []).compactMap { entry in
            guard let id = entry["id"]?.text else { return nil }
            var model = OfferedModel(id: id, provider: entry["owned_by"]?.text ?? "")
            if let found = catalogue?.members.compactMap({ $0.value.at(["models", id]) }).first { model.fill(found) }
            return model
        }
    }

    /// What an error of any dialect says.
    static func message(_ answer: Answer) -> String? {
        let document = try? FileFormat.json.parse(answer.body)
        return document?.at(["error", "message"])?.text ?? document?["message"]?.text
    }
}

extension OfferedModel {
    /// Takes over what an entry of models.dev's form says.
    fileprivate mutating func fill(_ entry: SettingValue) {
        func number(_ path: [String]) -> String? {
            switch entry.at(path) {
            case .integer(let number): String(number)
            case .number(let text): text
            default: nil
            }
        }
        func flag(_ name: String) -> Bool? {
            if case .bool(let flag) = entry[name] { flag } else { nil }
        }
        contextTokens = number(["limit", "context"]).flatMap { Int64($0) }
        outputTokens = number(["limit", "output"]).flatMap { Int64($0) }
        inputPrice = number(["cost", "input"])
        outputPrice = number(["cost", "output"])
        cacheReadPrice = number(["cost", "cache_read"])
        cacheWritePrice = number(["cost", "cache_write"])
        reasons = flag("reasoning")
        takesImages = flag("attachment")
    }
}
