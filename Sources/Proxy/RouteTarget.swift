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
    /// The model that the path names in place of the body.
    var model: String?

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
        if let (endpoint, model) = Self.googleCall(path) ?? Self.bedrockCall(path) {
            kind = method == "POST" ? .gateway(endpoint) : .wrongMethod("POST")
            id = nil
            self.model = model
            return
        }
        if path == "/v1beta/models" {
            id = nil
            kind = method == "GET" ? .gateway(.models) : .wrongMethod("GET")
            return
        }
        if path.hasPrefix("/v1beta/models/") {
            let name = path.dropFirst("/v1beta/models/".count)
            id = Self.decodedModel(name)
            kind = id == nil ? .unknown : method == "GET" ? .gateway(.models) : .wrongMethod("GET")
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

    /// `/v1beta/models/MODEL:generateContent` and its like. Google's SDKs use `/v1` where they are given a base URL.
    private static func googleCall(_ path: String) -> (Endpoint, String)? {
        for prefix in ["/v1beta/models/", "/v1/models/"] where path.hasPrefix(prefix) {
            let rest = path.dropFirst(prefix.count)
            guard let colon = rest.lastIndex(of: ":"), let endpoint = googleMethods[String(rest[rest.index(after: colon)...])],
                let model = decodedModel(rest[..<colon])
            else { return nil }
            return (endpoint, model)
        }
        return nil
    }

    private static let googleMethods: [String: Endpoint] = [
        "countTokens": .geminiCountTokens,
        "generateContent": .generateContent,
        "streamGenerateContent": .streamGenerateContent,
    ]

    /// `/model/MODEL/converse` and its like.
    private static func bedrockCall(_ path: String) -> (Endpoint, String)? {
        guard path.hasPrefix("/model/") else { return nil }
        let parts = path.dropFirst("/model/".count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let endpoint = bedrockOperations[String(parts[1])], let model = decodedModel(parts[0]) else { return nil }
        return (endpoint, model)
    }

    private static let bedrockOperations: [String: Endpoint] = [
        "converse": .converse, "converse-stream": .converseStream, "invoke": .invokeModel,
        "invoke-with-response-stream": .invokeModelStream,
    ]

    /// A model's name out of a path, its escapes decoded. It goes upstream escaped again, as one part of a path.
    static func decodedModel(_ text: Substring) -> String? {
        guard let name = text.removingPercentEscapes, (1...2048).contains(name.utf8.count),
            name.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), !name.split(separator: "/", omittingEmptySubsequences: false).contains("..")
        else { return nil }
        return name
    }

    private static let fixed: [String: Endpoint] = [
        "/api/chat": .ollamaChat,
        "/api/generate": .ollamaGenerate,
        "/api/tags": .models,
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

extension Substring {
    /// The text with `%XX` decoded; nil when an escape is malformed or the result is no UTF-8.
    fileprivate var removingPercentEscapes: String? {
        guard utf8.contains(37) else { return String(self) }
        var out: [UInt8] = []
        var bytes = Array(utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 37 else {
                out.append(byte)
                continue
            }
            guard bytes.count >= 2, let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes = bytes.dropFirst(2)
            out.append(value)
        }
        return String(validating: out, as: UTF8.self)
    }
}
