// UsageReaders: each dialect's usage object into disjoint token classes.

import GatewayModel
import WireFormat

extension MeterReading {
    /// OpenAI chat completions, completions, embeddings and whatever speaks like them: `prompt_tokens` includes cached and
    /// cache-written tokens. Later objects overwrite earlier ones: some servers send cumulative usage on every chunk.
    mutating func readChatUsage(_ object: UnsafeRawBufferPointer) {
        var prompt: Int64 = 0
        var cached: Int64 = 0
        var written: Int64 = 0
        var usage = TokenUsage()
        visitJSONMembers(object) { member in
            if member.isNamed("prompt_tokens") {
                prompt = member.integer ?? 0
            } else if member.isNamed("completion_tokens") {
                usage.output = member.integer ?? 0
            } else if member.isNamed("prompt_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("cached_tokens") { cached = detail.integer ?? 0 }
                    if detail.isNamed("cache_write_tokens") || detail.isNamed("created_cache_tokens") {
                        written = detail.integer ?? 0
                    }
                    if detail.isNamed("audio_tokens") { usage.audioInput = detail.integer ?? 0 }
                    if detail.isNamed("image_tokens") { usage.imageInput = detail.integer ?? 0 }
                }
            } else if member.isNamed("completion_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("reasoning_tokens") { usage.reasoning = detail.integer ?? 0 }
                    if detail.isNamed("audio_tokens") { usage.audioOutput = detail.integer ?? 0 }
                }
            }
        }
        takeInclusive(&usage, total: prompt, cached: cached, written: [(\.cacheWrite30m, written)], raw: object)
    }

    /// The Responses API: `input_tokens` includes cached and cache-written tokens; web searches are counted beside it.
    mutating func readResponsesUsage(_ object: UnsafeRawBufferPointer) {
        var input: Int64 = 0
        var cached: Int64 = 0
        var written: Int64 = 0
        var written12h: Int64 = 0
        var usage = TokenUsage()
        usage.webSearches = self.usage.webSearches
        visitJSONMembers(object) { member in
            if member.isNamed("input_tokens") {
                input = member.integer ?? 0
            } else if member.isNamed("output_tokens") {
                usage.output = member.integer ?? 0
            } else if member.isNamed("input_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("cached_tokens") { cached = detail.integer ?? 0 }
                    if detail.isNamed("cache_write_tokens") { written = detail.integer ?? 0 }
                    if detail.isNamed("cache_write_tokens_details"), detail.kind == .object {
                        visitJSONMembers(detail.value) { ttl in
                            if ttl.isNamed("ttl_12h_tokens") { written12h = ttl.integer ?? 0 }
                        }
                    }
                }
            } else if member.isNamed("output_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("reasoning_tokens") { usage.reasoning = detail.integer ?? 0 }
                }
            }
        }
        let short = max(0, written - written12h)
        takeInclusive(
            &usage, total: input, cached: cached, written: [(\.cacheWrite30m, short), (\.cacheWrite12h, written12h)],
            raw: object)
    }

    /// Subtracts the cache classes from a total that includes them, and says so when they do not fit.
    private mutating func takeInclusive(
        _ usage: inout TokenUsage, total: Int64, cached: Int64, written: [(WritableKeyPath<TokenUsage, Int64>, Int64)],
        raw: UnsafeRawBufferPointer
    ) {
        var rest = clamped(total)
        usage.cacheRead = clamped(cached)
        rest -= usage.cacheRead
        for (path, count) in written {
            usage[keyPath: path] = clamped(count)
            rest -= clamped(count)
        }
        if rest < 0 { inconsistent = true }
        usage.input = max(0, rest)
        usage.output = clamped(usage.output)
        usage.reasoning = min(clamped(usage.reasoning), usage.output)
        self.usage = usage
        usageSource = .provider
        keepRaw(raw)
    }

    /// Anthropic: input, cache reads and cache writes are apart. Every member present overwrites: `message_delta` is
    /// cumulative and may leave members out.
    mutating func readAnthropicUsage(_ object: UnsafeRawBufferPointer) {
        var created: Int64?
        var fiveMinutes: Int64?
        var oneHour: Int64?
        var compaction = TokenUsage()
        visitJSONMembers(object) { member in
            if member.isNamed("input_tokens") {
                if let count = member.integer { usage.input = clamped(count) }
            } else if member.isNamed("output_tokens") {
                if let count = member.integer { usage.output = clamped(count) }
            } else if member.isNamed("cache_read_input_tokens") {
                if let count = member.integer { usage.cacheRead = clamped(count) }
            } else if member.isNamed("cache_creation_input_tokens") {
                created = member.integer.map { clamped($0) }
            } else if member.isNamed("cache_creation"), member.kind == .object {
                visitJSONMembers(member.value) { ttl in
                    if ttl.isNamed("ephemeral_5m_input_tokens") { fiveMinutes = ttl.integer.map { clamped($0) } }
                    if ttl.isNamed("ephemeral_1h_input_tokens") { oneHour = ttl.integer.map { clamped($0) } }
                }
            } else if member.isNamed("output_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("thinking_tokens") { usage.reasoning = clamped(detail.integer ?? 0) }
                }
            } else if member.isNamed("server_tool_use"), member.kind == .object {
                visitJSONMembers(member.value) { tool in
                    if tool.isNamed("web_search_requests") { usage.webSearches = clamped(tool.integer ?? 0) }
                    if tool.isNamed("web_fetch_requests") { usage.webFetches = clamped(tool.integer ?? 0) }
                }
            } else if member.isNamed("service_tier") {
                qualifiers.serviceTier = member.string.flatMap { $0 == "standard" ? nil : $0 }
            } else if member.isNamed("speed") {
                qualifiers.speed = member.string.flatMap { $0 == "standard" ? nil : $0 }
            } else if member.isNamed("inference_geo") {
                qualifiers.inferenceGeo = member.string.flatMap { $0 == "global" || $0 == "not_available" ? nil : $0 }
            } else if member.isNamed("iterations"), member.kind == .array {
                compaction = readCompaction(member.value)
            }
        }
        if let created {
            if let fiveMinutes, let oneHour, fiveMinutes &+ oneHour == created {
                usage.cacheWrite5m = fiveMinutes
                usage.cacheWrite1h = oneHour
            } else if fiveMinutes != nil || oneHour != nil {
                // A split that does not sum is priced whole as the shorter lifetime.
                usage.cacheWrite5m = created
                usage.cacheWrite1h = 0
                inconsistent = true
            } else if usage.cacheWrite5m &+ usage.cacheWrite1h != created {
                usage.cacheWrite5m = max(0, created - usage.cacheWrite1h)
                if usage.cacheWrite1h > created { usage.cacheWrite1h = 0; inconsistent = true }
            }
        }
        // Compaction passes are billed and not in the totals.
        usage.input = usage.input &+ compaction.input
        usage.output = usage.output &+ compaction.output
        usage.cacheRead = usage.cacheRead &+ compaction.cacheRead
    }

    private func readCompaction(_ iterations: UnsafeRawBufferPointer) -> TokenUsage {
        var total = TokenUsage()
        visitJSONElements(iterations) { kind, value in
            guard kind == .object else { return true }
            var isCompaction = false
            var one = TokenUsage()
            visitJSONMembers(value) { member in
                if member.isNamed("type") { isCompaction = member.string == "compaction" }
                if member.isNamed("input_tokens") { one.input = clamped(member.integer ?? 0) }
                if member.isNamed("output_tokens") { one.output = clamped(member.integer ?? 0) }
                if member.isNamed("cache_read_input_tokens") { one.cacheRead = clamped(member.integer ?? 0) }
            }
            if isCompaction {
                total.input = total.input &+ one.input
                total.output = total.output &+ one.output
                total.cacheRead = total.cacheRead &+ one.cacheRead
            }
            return true
        }
        return total
    }

    /// The raw usage is kept up to this many bytes.
    static let rawUsageBytesMax = 8192

    mutating func keepRaw(_ raw: UnsafeRawBufferPointer) {
        rawUsage = raw.count <= Self.rawUsageBytesMax ? Array(raw) : nil
    }

    /// OpenAI's `default` and `auto` tiers are no qualifier of price.
    mutating func readServiceTier(_ tier: String?) {
        guard let tier else { return }
        qualifiers.serviceTier = tier == "default" || tier == "auto" || tier == "standard" ? nil : tier
    }
}

/// A count that is neither negative nor near overflow: ten trillion tokens are nobody's turn.
private func clamped(_ count: Int64) -> Int64 { min(max(0, count), 10_000_000_000_000) }
