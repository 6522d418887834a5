// AdminClient: the command line's way to the server: JSON over HTTP on the Unix socket in the data folder.

import AdminAPI
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Talks to one admin socket.
struct AdminClient: Sendable {
    let socket: String

    /// An answer is at most this large.
    private static let answerBytesMax = 256 << 20

    func get<Answer: Decodable>(_ path: String, query: [(String, String?)] = []) async throws -> Answer {
        try await send(.GET, path, query: query, body: String?.none)
    }

    func post<Answer: Decodable>(_ path: String, _ body: some Encodable & Sendable) async throws -> Answer {
        try await send(.POST, path, query: [], body: body)
    }

    func post<Answer: Decodable>(_ path: String) async throws -> Answer {
        try await send(.POST, path, query: [], body: String?.none)
    }

    func patch<Answer: Decodable>(_ path: String, _ body: some Encodable & Sendable) async throws -> Answer {
        try await send(.PATCH, path, query: [], body: body)
    }

    func delete<Answer: Decodable>(_ path: String) async throws -> Answer {
        try await send(.DELETE, path, query: [], body: String?.none)
    }

    /// Lines of a stream, as they come.
    func lines(_ path: String, _ body: (String) async throws -> Void) async throws {
        let response = try await HTTPClient.shared.execute(
            request(.GET, path, query: []), deadline: .distantFuture)
        var line: [UInt8] = []
        for try await var chunk in response.body {
            while let byte = chunk.readInteger(as: UInt8.self) {
                if byte != 10 {
                    line.append(byte)
                } else {
                    try await body(String(decoding: line, as: UTF8.self))
                    line.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    private func request(_ method: HTTPMethod, _ path: String, query: [(String, String?)]) -> HTTPClientRequest {
        var components = URLComponents()
        components.queryItems = query.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
        // A plus in a query means a space to many readers.
        let text = (components.percentEncodedQuery ?? "").replacingOccurrences(of: "+", with: "%2B")
        let place = socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket
        var request = HTTPClientRequest(url: "http+unix://\(place)/api/v1\(path)" + (text.isEmpty ? "" : "?\(text)"))
        request.method = method
        return request
    }

    private func send<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, query: [(String, String?)], body: (some Encodable & Sendable)?
    ) async throws -> Answer {
        var request = request(method, path, query: query)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let data = Data(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        guard (200..<300).contains(response.status.code) else {
            if let failure = try? JSONDecoder().decode(APIErrorBody.self, from: data).error {
                throw CommandFailure(failure.code, failure.message, mend: failure.mend)
            }
            throw CommandFailure("bad_answer", "the server answered \(response.status.code)", mend: "see the server's log")
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: data)
        } catch {
            throw CommandFailure(
                "bad_answer", "the server's answer is not what this command line knows",
                mend: "use the weir binary that the server runs")
        }
    }
}

/// A path segment of any text.
func segment(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
}
