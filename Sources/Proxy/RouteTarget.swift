// RouteTarget: which operation a method and a path ask for. Paths are matched as they were sent: nothing is decoded or
// folded, so the path that is authorised is the path that is forwarded.

import GatewayModel

/// What a request line asks for.
struct RouteTarget {
    enum Kind {
        case gateway(Endpoint)
        case health
        /// A path of an `OriginHandler`.
        case origin(OriginPlace)
        case unknown
        /// A known path with another method; the value is the `Allow` header.
        case wrongMethod(String)
    }

    let kind: Kind
    /// The response or model id in the path, when there is one.
    let id: String?

    var endpoint: Endpoint? {
        if case .gateway(let endpoint) = kind { return endpoint }
        return nil
    }

    /// A target that is known already.
    init(_ kind: Kind) {
        self.kind = kind
        id = nil
    }

    /// What a request line asks for: of the data plane, then of the handlers beside it.
    init(method: String, path: String, origin: OriginTable) {
        self.init(method: method, path: path)
        if case .unknown = kind, let found = origin.find(method: method, path: path) { self.init(found) }
    }

    init(method: String, path: String) {
        if path == "/healthz" {
            id = nil
            kind = method == "GET" || method == "HEAD" ? .health : .wrongMethod("GET, HEAD")
            return
        }
        if let endpoint = Self.fixed[path] {
            id = nil
            let allowed = endpoint == .models ? "GET" : "POST"
            // A GET of /v1/responses is how a client tries the WebSocket transport; admission says so.
            kind =
                method == allowed || path == "/v1/responses" && method == "GET"
                ? .gateway(endpoint) : .wrongMethod(allowed)
            return
        }
        if path.hasPrefix("/v1/responses/") {
            let parts = path.dropFirst("/v1/responses/".count).split(separator: "/", omittingEmptySubsequences: false)
            guard let first = parts.first, Self.isIdentifier(first), parts.count <= 2 else {
                kind = .unknown
                id = nil
                return
            }
            id = String(first)
            switch (parts.count, parts.last.map(String.init), method) {
            case (1, _, "GET"): kind = .gateway(.responsesRetrieve)
            case (1, _, "DELETE"): kind = .gateway(.responsesDelete)
            case (1, _, _): kind = .wrongMethod("GET, DELETE")
            case (2, "cancel", "POST"): kind = .gateway(.responsesCancel)
            case (2, "cancel", _): kind = .wrongMethod("POST")
            case (2, "input_items", "GET"): kind = .gateway(.responsesInputItems)
            case (2, "input_items", _): kind = .wrongMethod("GET")
            default: kind = .unknown
            }
            return
        }
        if path.hasPrefix("/model/") {
            (kind, id) = Self.bedrockTarget(method: method, path: path)
            return
        }
        if path.hasPrefix("/v1/models/") {
            let name = path.dropFirst("/v1/models/".count)
            id = String(name)
            kind = name.isEmpty ? .unknown : method == "GET" ? .gateway(.models) : .wrongMethod("GET")
            return
        }
        kind = .unknown
        id = nil
    }

    /// `/model/{id}/converse` and its like: the model is escaped once, and goes upstream as Weir escapes it.
    private static func bedrockTarget(method: String, path: String) -> (Kind, String?) {
        let parts = path.dropFirst("/model/".count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let endpoint = bedrock[String(parts[1])], let model = unescaped(parts[0]) else {
            return (.unknown, nil)
        }
        return (method == "POST" ? .gateway(endpoint) : .wrongMethod("POST"), model)
    }

    private static let bedrock: [String: Endpoint] = [
        "converse": .converse, "converse-stream": .converseStream, "invoke": .invokeModel,
        "invoke-with-response-stream": .invokeModelStream,
    ]

    /// The printable ASCII that a part of a path stands for; nil for anything else.
    private static func unescaped(_ text: Substring) -> String? {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 37 else {
                out.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count, let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
            else { return nil }
            out.append(byte)
            index += 3
        }
        guard !out.isEmpty, out.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        return String(decoding: out, as: UTF8.self)
    }

    private static let fixed: [String: Endpoint] = [
        "/v1/chat/completions": .chatCompletions,
        "/v1/completions": .completions,
        "/v1/embeddings": .embeddings,
        "/v1/responses": .responses,
        "/v1/responses/compact": .responsesCompact,
        "/v1/responses/input_tokens": .responsesInputTokens,
        "/v1/messages": .messages,
        "/v1/messages/count_tokens": .countTokens,
        "/v1/models": .models,
    ]

    /// Provider ids are letters, digits, `_` and `-`; anything else could change the upstream path.
    private static func isIdentifier(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 || $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 || $0 == 95 || $0 == 45 }
    }
}
