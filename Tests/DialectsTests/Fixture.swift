// Fixture: one recorded exchange of `Fixtures/`, and what must be read out of it (`Fixtures/README.md` lists the members).

import Dialects
import Foundation
import GatewayModel

/// A request, its response and what is expected of them.
struct Fixture: CustomStringConvertible, Sendable {
    let dialect: String
    let name: String
    let request: [UInt8]
    let response: [UInt8]
    let isStream: Bool
    /// How the response comes.
    let kind: ResponseBodyKind
    let expected: Expected

    var description: String { "\(dialect)/\(name)" }

    struct Expected: Decodable, Sendable {
        var path: String
        var status: Int
        var usage: [String: Int64]?
        var usageAtLeast: [String: Int64]?
        var usageSource: String
        var qualifiers: [String: String]?
        var finishReason: String?
        var toolCalls: Int
        var complete: Bool
        var pending: Bool?
        var modelServed: String?
        var responseId: String?
        var withholdsUsageEvent: Bool
        var error: [String: String]?
        var flags: [String]?
        var unmetered: Bool?
    }

    /// Every fixture, by dialect and name.
    static let all: [Fixture] = load()
    /// Those whose response a meter reads.
    static let metered = all.filter { (200..<300).contains($0.expected.status) && $0.expected.unmetered != true }

    var endpoint: Endpoint {
        let path = String(expected.path.prefix { $0 != "?" })
        if let colon = path.lastIndex(of: ":"), path.hasPrefix("/v1beta/models/") {
            return path[colon...] == ":streamGenerateContent" ? .streamGenerateContent : .generateContent
        }
        return switch path.hasPrefix("/model/") ? path.split(separator: "/").last.map(String.init) ?? "" : path {
        case "/api/chat": .ollamaChat
        case "/api/generate": .ollamaGenerate
        case "converse": .converse
        case "converse-stream": .converseStream
        case "invoke": .invokeModel
        case "invoke-with-response-stream": .invokeModelStream
        case "/v1/completions": .completions
        case "/v1/embeddings": .embeddings
        case "/v1/responses": .responses
        case "/v1/responses/compact": .responsesCompact
        case "/v1/responses/input_tokens": .responsesInputTokens
        case "/v1/messages": .messages
        case "/v1/messages/count_tokens": .countTokens
        default: .chatCompletions
        }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../Fixtures").standardized

    private static func load() -> [Fixture] {
        let files = FileManager.default
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        var found: [Fixture] = []
        for dialect in Dialect.allCases.map(\.rawValue) {
            let folder = root.appending(path: dialect)
            for file in (try? files.contentsOfDirectory(atPath: folder.path)) ?? []
            where file.hasSuffix(".expected.json") {
                let name = String(file.dropLast(".expected.json".count))
                func read(_ what: String) -> Data? { try? Data(contentsOf: folder.appending(path: "\(name).\(what)")) }
                guard
                    let expected = read("expected.json").flatMap({ try? decoder.decode(Expected.self, from: $0) }
                    ),
                    let request = read("request.json"),
                    let response = read("response.sse") ?? read("response.ndjson") ?? read("response.eventstream") ?? read("response.json")
                else { continue }
                let kinds: [(String, ResponseBodyKind)] = [("sse", .sse), ("ndjson", .objects), ("eventstream", .eventStream)]
                let kind = kinds.first { read("response.\($0.0)") != nil }?.1 ?? .json
                found.append(
                    Fixture(
                        dialect: dialect, name: name, request: Array(request), response: Array(response),
                        isStream: kind.isStream, kind: kind, expected: expected))
            }
        }
        return found.sorted { $0.description < $1.description }
    }
}

extension TokenUsage {
    /// The classes that are not zero, by the names that fixtures use.
    var classes: [String: Int64] {
        let all = [
            "input": input, "cache_read": cacheRead, "cache_write_5m": cacheWrite5m, "cache_write_30m": cacheWrite30m,
            "cache_write_1h": cacheWrite1h, "cache_write_12h": cacheWrite12h, "cache_write_unknown": cacheWriteUnknown,
            "tool_prompt": toolPrompt, "output": output, "reasoning": reasoning, "audio_input": audioInput,
            "image_input": imageInput,
            "audio_output": audioOutput, "image_output": imageOutput, "web_searches": webSearches,
            "web_fetches": webFetches,
        ]
        return all.filter { $0.value != 0 }
    }
}
