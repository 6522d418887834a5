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
        var sum: Int64 = 0
        var usage = TokenUsage()
        var cachedBeside: Int64 = 0
        visitJSONMembers(object) { member in
            if member.isNamed("prompt_tokens") {
                prompt = count(member)
            } else if member.isNamed("completion_tokens") {
                usage.output = count(member)
            } else if member.isNamed("total_tokens") {
                sum = member.integer ?? 0
            } else if member.isNamed("cached_tokens") || member.isNamed("prompt_cache_hit_tokens") {
                // Kimi and DeepSeek say it here, with or without the details.
                cachedBeside = count(member)
            } else if member.isNamed("prompt_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("cached_tokens") { cached = count(detail) }
                    if detail.isNamed("cache_write_tokens") || detail.isNamed("created_cache_tokens") {
                        written = count(detail)
                    }
                    if detail.isNamed("audio_tokens") { usage.audioInput = count(detail) }
                    if detail.isNamed("image_tokens") { usage.imageInput = count(detail) }
                }
            } else if member.isNamed("completion_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("reasoning_tokens") { usage.reasoning = count(detail) }
                    if detail.isNamed("audio_tokens") { usage.audioOutput = count(detail) }
                }
            }
        }
        usage.cacheRead = max(cached, cachedBeside)
        usage.cacheWrite30m = written
        takeInclusive(&usage, total: prompt, sum: sum, raw: object)
    }

    /// The Responses API: `input_tokens` includes cached and cache-written tokens; web searches are counted beside it.
    mutating func readResponsesUsage(_ object: UnsafeRawBufferPointer) {
        var input: Int64 = 0
        var cached: Int64 = 0
        var written: Int64 = 0
        var written12h: Int64 = 0
        var sum: Int64 = 0
        var usage = TokenUsage()
        usage.webSearches = self.usage.webSearches
        visitJSONMembers(object) { member in
            if member.isNamed("input_tokens") {
                input = count(member)
            } else if member.isNamed("output_tokens") {
                usage.output = count(member)
            } else if member.isNamed("total_tokens") {
                sum = member.integer ?? 0
            } else if member.isNamed("input_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("cached_tokens") { cached = count(detail) }
                    if detail.isNamed("cache_write_tokens") { written = count(detail) }
                    if detail.isNamed("cache_write_tokens_details"), detail.kind == .object {
                        visitJSONMembers(detail.value) { ttl in
                            if ttl.isNamed("ttl_12h_tokens") { written12h = count(ttl) }
                        }
                    }
                }
            } else if member.isNamed("output_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("reasoning_tokens") { usage.reasoning = count(detail) }
                }
            }
        }
        if written12h > written { inconsistent = true }
        usage.cacheRead = cached
        usage.cacheWrite30m = max(0, written - written12h)
        usage.cacheWrite12h = written12h
        takeInclusive(&usage, total: input, sum: sum, raw: object)
    }

    /// Subtracts the cache classes from a total that includes them, and says so when they do not fit.
    /// - Parameters:
    ///   - total: everything that was read.
    ///   - sum: everything that was read and written, as the provider adds it up; 0 when it does not.
    private mutating func takeInclusive(_ usage: inout TokenUsage, total: Int64, sum: Int64, raw: UnsafeRawBufferPointer) {
        // xAI counts reasoning beside the output, bills both, and shows it in the sum alone (docs.x.ai, "Consumption and Rate Limits");
        // with everybody else it is a part of the output.
        if usage.reasoning > 0, sum == total + usage.output + usage.reasoning {
            usage.output = min(usage.output + usage.reasoning, tokensMax)
        }
        let rest = total - usage.cacheRead - usage.cacheWrite30m - usage.cacheWrite12h
        if rest < 0 { inconsistent = true }
        usage.input = max(0, rest)
        usage.reasoning = min(usage.reasoning, usage.output)
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
        // What an earlier object added for compaction comes off again: totals overwrite, and a member may be missing here.
        addCompaction(sign: -1)
        visitJSONMembers(object) { member in
            if member.isNamed("input_tokens"), member.kind == .number {
                usage.input = count(member)
            } else if member.isNamed("output_tokens"), member.kind == .number {
                usage.output = count(member)
            } else if member.isNamed("cache_read_input_tokens"), member.kind == .number {
                usage.cacheRead = count(member)
            } else if member.isNamed("cache_creation_input_tokens"), member.kind == .number {
                created = count(member)
            } else if member.isNamed("cache_creation"), member.kind == .object {
                visitJSONMembers(member.value) { ttl in
                    if ttl.isNamed("ephemeral_5m_input_tokens"), ttl.kind == .number { fiveMinutes = count(ttl) }
                    if ttl.isNamed("ephemeral_1h_input_tokens"), ttl.kind == .number { oneHour = count(ttl) }
                }
            } else if member.isNamed("output_tokens_details"), member.kind == .object {
                visitJSONMembers(member.value) { detail in
                    if detail.isNamed("thinking_tokens") { usage.reasoning = count(detail) }
                }
            } else if member.isNamed("server_tool_use"), member.kind == .object {
                visitJSONMembers(member.value) { tool in
                    if tool.isNamed("web_search_requests") { usage.webSearches = count(tool) }
                    if tool.isNamed("web_fetch_requests") { usage.webFetches = count(tool) }
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
        takeCacheWrites(created: created, fiveMinutes: fiveMinutes, oneHour: oneHour)
        usage.reasoning = min(usage.reasoning, usage.output)
        addCompaction(sign: 1)
    }

    /// Cache writes come as a sum, as a split by lifetime, or as both.
    private mutating func takeCacheWrites(created: Int64?, fiveMinutes: Int64?, oneHour: Int64?) {
        let hasSplit = fiveMinutes != nil || oneHour != nil
        let split = (fiveMinutes ?? 0) + (oneHour ?? 0)
        guard let created = created ?? (hasSplit ? split : nil) else { return }
        if hasSplit, split == created {
            usage.cacheWrite5m = fiveMinutes ?? 0
            usage.cacheWrite1h = oneHour ?? 0
        } else if hasSplit || usage.cacheWrite1h > created {
            // A split that does not sum is priced whole as the shorter lifetime.
            usage.cacheWrite5m = created
            usage.cacheWrite1h = 0
            inconsistent = true
        } else {
            usage.cacheWrite5m = created - usage.cacheWrite1h
        }
    }

    /// Compaction passes are billed and not in the totals.
    private mutating func addCompaction(sign: Int64) {
        usage.input += sign * compaction.input
        usage.output += sign * compaction.output
        usage.cacheRead += sign * compaction.cacheRead
        usage.cacheWrite5m += sign * compaction.cacheWrite5m
    }

    private mutating func readCompaction(_ iterations: UnsafeRawBufferPointer) -> TokenUsage {
        var total = TokenUsage()
        visitJSONElements(iterations) { kind, value in
            guard kind == .object else { return true }
            var isCompaction = false
            var one = TokenUsage()
            visitJSONMembers(value) { member in
                if member.isNamed("type") { isCompaction = member.string == "compaction" }
                if member.isNamed("input_tokens") { one.input = count(member) }
                if member.isNamed("output_tokens") { one.output = count(member) }
                if member.isNamed("cache_read_input_tokens") { one.cacheRead = count(member) }
                if member.isNamed("cache_creation_input_tokens") { one.cacheWrite5m = count(member) }
            }
            guard isCompaction else { return true }
            total.input = min(total.input + one.input, tokensMax)
            total.output = min(total.output + one.output, tokensMax)
            total.cacheRead = min(total.cacheRead + one.cacheRead, tokensMax)
            total.cacheWrite5m = min(total.cacheWrite5m + one.cacheWrite5m, tokensMax)
            return true
        }
        return total
    }

    /// A count of tokens or calls: neither negative nor near overflow, and marked where it was. Absent, null or text is zero.
    mutating func count(_ member: JSONMember) -> Int64 {
        guard member.kind == .number else { return 0 }
        if let exact = member.integer, exact >= 0, exact <= tokensMax { return exact }
        // `1e3` and `12.5` are numbers too; a fraction counts as a whole.
        let value = Double(String(decoding: member.value, as: UTF8.self)) ?? 0
        let isFit = value >= 0 && value <= Double(tokensMax)
        if !isFit { inconsistent = true }
        return Int64(min(max(0, value.rounded(.up)), Double(tokensMax)))
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

/// A billion tokens are nobody's turn; sums of these cannot overflow.
private let tokensMax: Int64 = 1_000_000_000
