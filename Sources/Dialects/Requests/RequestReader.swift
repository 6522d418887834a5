// RequestReader: one pass over a request body. What Weir acts on is read as the strictest and the laxest of upstream parsers
// would read it: keys with escapes decoded, and duplicates or case variants of what it acts on refused.

import CSearch
package import GatewayModel
import WireFormat

/// The members that Weir acts on; a second one, or one in another case, could mean something else upstream.
private let actedOn: [StaticString] = [
    "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "n",
    "service_tier", "speed", "inference_geo",
    "previous_response_id", "background", "metadata", "client_metadata", "inferenceConfig",
]

/// A bit for each length that one of them has: most keys are seen to be none of them without a comparison.
private let actedOnLengths: UInt64 = actedOn.reduce(0) { $0 | 1 << UInt64($1.utf8CodeUnitCount) }

/// Reads what Weir must know of a body. Throws when it is no JSON object, is ambiguous, or lacks a model.
/// - Parameter model: the model that the path names, for endpoints whose body names none; then a `model` in the body means nothing.
package func readRequest(
    _ endpoint: Endpoint, model: String? = nil, body: UnsafeRawBufferPointer, depthMax: Int
) throws(GatewayError) -> RequestHead {
    var reader = RequestReader(endpoint: endpoint, pathModel: model)
    var scanner = JSONScanner(body, depthMax: depthMax)
    var isFirst = true
    do throws(JSONError) { try scanner.enterObject() } catch { throw gatewayError(error) }
    while true {
        var member: JSONMember
        do throws(JSONError) {
            guard let next = try scanner.nextMember(&isFirst, leavingArrays: true) else { break }
            member = next
            if member.range.isEmpty {
                let start = scanner.position
                if member.isNamed("messages") || member.isNamed("input") || member.isNamed("contents") {
                    // Most of a body: it is read while it is crossed, and not once more.
                    try reader.crossMessages(&scanner)
                } else {
                    try scanner.skipValue()
                }
                member.setRange(start..<scanner.position, in: body)
            }
        } catch {
            throw gatewayError(error)
        }
        try reader.read(member)
    }
    do throws(JSONError) { try scanner.finish() } catch { throw gatewayError(error) }
    return try reader.finish(body)
}

private func gatewayError(_ error: JSONError) -> GatewayError {
    switch error {
    case .malformed(let offset, let reason): .malformedJSON(reason: reason, offset: offset)
    case .tooDeep(let max): .jsonTooDeep(max: max)
    }
}

private struct RequestReader: ~Copyable {
    let endpoint: Endpoint
    let pathModel: String?
    var head = RequestHead()
    private var seen: UInt32 = 0
    private var streamOptions: JSONSpan?
    private var includeUsageValue: Range<Int>?
    private var streamOptionsMembers = 0

    private struct JSONSpan {
        var kind: JSONKind
        var range: Range<Int>
    }

    init(endpoint: Endpoint, pathModel: String?) {
        self.endpoint = endpoint
        self.pathModel = pathModel
        if endpoint.namesModelInPath { head.model = pathModel }
        // Ollama streams unless it is told not to.
        head.stream = endpoint.isStreamByPath || endpoint.dialect == .ollama
    }

    mutating func read(_ member: JSONMember) throws(GatewayError) {
        guard endpoint.dialect != .gemini else {
            try readGemini(member)
            return
        }
        try checkName(member)
        if endpoint.dialect.isBedrock, member.isNamed("model") || member.isNamed("stream") { return }
        if member.isNamed("model") {
            guard let model = member.string else {
                throw .malformedJSON(reason: "`model` must be a string", offset: member.range.lowerBound)
            }
            head.model = model
            head.modelRange = member.range
        } else if member.isNamed("messages") || member.isNamed("input") {
            readInput(member)
        } else if member.isNamed("stream") {
            head.stream = member.boolean ?? false
        } else if member.isNamed("stream_options") {
            try readStreamOptions(member)
        } else if member.isNamed("max_tokens") || member.isNamed("max_completion_tokens")
            || member.isNamed("max_output_tokens")
        {
            if let count = member.integer { head.maxOutputTokens = max(head.maxOutputTokens ?? 0, count) }
        } else if member.isNamed("n") {
            head.choiceCount = member.integer ?? 1
        } else if member.isNamed("options"), endpoint.dialect == .ollama, member.kind == .object {
            visitJSONMembers(member.value) { if $0.isNamed("num_predict") { head.maxOutputTokens = $0.integer } }
        } else if member.isNamed("service_tier") {
            head.serviceTier = member.string
        } else if member.isNamed("speed") {
            head.speed = member.string
        } else if member.isNamed("inference_geo") {
            head.inferenceGeo = member.string
        } else if member.isNamed("user") {
            head.user = member.string
        } else if member.isNamed("safety_identifier") {
            head.safetyIdentifier = member.string
        } else if member.isNamed("inferenceConfig"), endpoint.dialect == .bedrockConverse, member.kind == .object {
            visitJSONMembers(member.value) { if $0.isNamed("maxTokens") { head.maxOutputTokens = $0.integer } }
        } else if member.isNamed("metadata"), endpoint.dialect.isAnthropic || endpoint.dialect == .bedrockInvoke, member.kind == .object {
            visitJSONMembers(member.value) { if $0.isNamed("user_id") { head.metadataUserID = $0.string } }
        } else if member.isNamed("prompt_cache_key") {
            head.promptCacheKey = member.string
        } else if member.isNamed("client_metadata"), member.kind == .object {
            head.clientMetadata = member.range
        } else if member.isNamed("previous_response_id") {
            head.previousResponseID = member.string
        } else if member.isNamed("background") {
            head.isBackground = member.boolean ?? false
        }
    }

    /// Google's servers take two spellings of each name, so one of each is all that may come.
    private mutating func readGemini(_ member: JSONMember) throws(GatewayError) {
        let name = camelName(member.key)
        if let index = Self.geminiActedOn.firstIndex(of: name) {
            if seen & (1 << UInt32(index)) != 0 { throw .duplicateField(name: name) }
            seen |= 1 << UInt32(index)
        }
        switch name {
        case "serviceTier": head.serviceTier = member.string?.lowercased()
        case "generationConfig":
            for part in member.object?.members ?? [] {
                switch camelName(part.key) {
                case "maxOutputTokens": head.maxOutputTokens = part.integer
                case "candidateCount": head.choiceCount = part.integer ?? 1
                default: break
                }
            }
        default: break
        }
    }

    private static let geminiActedOn = ["serviceTier", "generationConfig", "contents"]

    consuming func finish(_ body: UnsafeRawBufferPointer) throws(GatewayError) -> RequestHead {
        guard let model = head.model, !model.isEmpty else { throw .missingModel }
        // The ARN of an inference profile may be long.
        guard model.utf8.count <= (endpoint.dialect.isBedrock ? 2048 : 256), model.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
            throw .unknownModel(model: String(model.prefix(64)), suggestions: [])
        }
        let splices = endpoint == .chatCompletions || endpoint == .completions
        if splices, head.stream, !head.includesUsage { head.usageSplice = usageSplice(body) }
        return head
    }

    /// Refuses a second or differently cased spelling of what Weir acts on.
    private mutating func checkName(_ member: JSONMember) throws(GatewayError) {
        let count = member.rawKey.count
        let isPlain = isPlainKey(member.rawKey)
        if isPlain, count >= 64 || actedOnLengths >> UInt64(count) & 1 == 0 { return }
        // A parser that drops bytes which are no UTF-8 would read another key.
        guard isPlain || String(validating: member.rawKey, as: UTF8.self) != nil else {
            throw .malformedJSON(reason: "a key is not UTF-8", offset: member.range.lowerBound)
        }
        guard count <= 128, count > 0 else { return }
        let folded = isPlain ? nil : foldedKey(member)
        for (index, name) in actedOn.enumerated() {
            guard count == name.utf8CodeUnitCount || folded != nil else { continue }
            let isExact = member.isNamed(name)
            let isVariant =
                !isExact && (folded.map { $0 == name.description } ?? equalsIgnoringCase(member.rawKey, name))
            guard isExact || isVariant else { continue }
            if isVariant || seen & (1 << UInt32(index)) != 0 { throw .duplicateField(name: name.description) }
            seen |= 1 << UInt32(index)
            return
        }
    }

    private mutating func readStreamOptions(_ member: JSONMember) throws(GatewayError) {
        streamOptions = JSONSpan(kind: member.kind, range: member.range)
        guard member.kind == .object else { return }
        let offset = member.range.lowerBound
        var isRepeated = false
        visitJSONMembers(member.value) { option in
            streamOptionsMembers += 1
            if option.isNamed("include_usage") {
                isRepeated = isRepeated || includeUsageValue != nil
                head.includesUsage = option.boolean ?? false
                includeUsageValue = option.range.lowerBound + offset..<option.range.upperBound + offset
            } else if foldedKey(option) == "include_usage" {
                isRepeated = true
            }
        }
        if isRepeated { throw .duplicateField(name: "stream_options.include_usage") }
    }

    /// Asks for usage: in the client's own `stream_options`, or in a new one behind the client's last member, so that a
    /// prompt's prefix stays as it was.
    private func usageSplice(_ body: UnsafeRawBufferPointer) -> Splice {
        if let includeUsageValue {
            return Splice(
                offset: includeUsageValue.lowerBound, removeCount: includeUsageValue.count, insert: Array("true".utf8))
        }
        if let streamOptions {
            guard streamOptions.kind == .object else {
                return Splice(
                    offset: streamOptions.range.lowerBound, removeCount: streamOptions.range.count,
                    insert: Array(#"{"include_usage":true}"#.utf8))
            }
            let text = (streamOptionsMembers > 0 ? "," : "") + #""include_usage":true"#
            return Splice(offset: streamOptions.range.upperBound - 1, removeCount: 0, insert: Array(text.utf8))
        }
        var end = body.count - 1
        while end > 0, body[end] != 125 { end -= 1 }
        return Splice(offset: end, removeCount: 0, insert: Array(#","stream_options":{"include_usage":true}"#.utf8))
    }

    /// A Responses call may be one text.
    private mutating func readInput(_ member: JSONMember) {
        guard member.kind == .string else { return }
        head.messageCount = 1
        head.openerHash = contentHash(member.value)
    }

    /// Crosses an array of messages. The opener is the first user message; the later ones are only crossed.
    mutating func crossMessages(_ scanner: inout JSONScanner) throws(JSONError) {
        try scanner.enterArray()
        var isFirst = true
        while try scanner.nextElement(&isFirst) {
            head.tailStarts[head.messageTotal & (RequestHead.tailMax - 1)] = UInt32(truncatingIfNeeded: scanner.position)
            head.messageTotal &+= 1
            guard head.openerHash == 0 else {
                try scanner.skipValue()
                continue
            }
            head.messageCount += 1
            guard try scanner.peekKind() == .object else {
                try scanner.skipValue()
                continue
            }
            let start = scanner.position
            var isUser = false
            var isFirstKey = true
            try scanner.enterObject()
            while let member = try scanner.nextMember(&isFirstKey) {
                if member.isNamed("role"), member.isString("user") { isUser = true }
            }
            if isUser { head.openerHash = contentHash(UnsafeRawBufferPointer(rebasing: scanner.bytes[start..<scanner.position])) }
        }
    }
}

/// Whether the key is ASCII without an escape, as nearly all are.
private func isPlainKey(_ key: UnsafeRawBufferPointer) -> Bool {
    guard let bytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
    return weir_is_printable(bytes, key.count) != 0 && weir_holds_backslash(bytes, key.count) == 0
}

/// The key as a parser that ignores case would match it: Go's folds the long s and the Kelvin sign too.
private func foldedKey(_ member: JSONMember) -> String {
    var text = ""
    for scalar in member.key.unicodeScalars {
        switch scalar.value {
        case 65...90: text.unicodeScalars.append(UnicodeScalar(UInt8(scalar.value | 0x20)))
        case 0x17F: text.append("s")
        case 0x212A: text.append("k")
        default: text.unicodeScalars.append(scalar)
        }
    }
    return text
}

/// A hash of text for grouping, not for security: a full multiplication for sixteen bytes at a time, both halves kept. Agents put much
/// the same context before a prompt, so of a long opener the length, the beginning and the end are taken.
func contentHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let part = 4096
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
    if bytes.count <= 2 * part {
        mix(bytes, into: &hash)
    } else {
        mix(UnsafeRawBufferPointer(rebasing: bytes[..<part]), into: &hash)
        mix(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - part)...]), into: &hash)
    }
    return hash
}

private func mix(_ bytes: UnsafeRawBufferPointer, into hash: inout UInt64) {
    guard let base = bytes.baseAddress else { return }
    var mixed = hash
    var index = 0
    while index + 16 <= bytes.count {
        let first = UInt64(littleEndian: (base + index).loadUnaligned(as: UInt64.self))
        let second = UInt64(littleEndian: (base + index + 8).loadUnaligned(as: UInt64.self))
        let product = (first ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: second ^ mixed)
        mixed = product.high ^ product.low
        index += 16
    }
    while index < bytes.count {
        var word: UInt64 = 0
        for byte in bytes[index..<min(index + 8, bytes.count)] { word = word << 8 | UInt64(byte) }
        mixed = (mixed ^ word) &* 0x100_0000_01B3
        mixed ^= mixed >> 29
        index += 8
    }
    hash = mixed
}
