// TurnText: one turn for a reader, as a page and as a line of the tail.

package import AdminAPI
import GatewayModel

/// `14:03:22 200 maria shop sonnet>bedrock 142K/903 $0.0412`.
package func tailLine(_ turn: TurnView) -> String {
    let usage = turn.usage
    let time = turn.time.count >= 19 ? String(turn.time.prefix(19).suffix(8)) : turn.time
    let place = turn.repository.map { String($0.value.split(separator: "/").last ?? "") } ?? "-"
    var line = "\(time) \(turn.status) \(turn.developer ?? turn.serviceAccount ?? "-") \(place) "
    line += turn.deployment.isEmpty ? turn.modelAsked : turn.deployment
    if let error = turn.error { return line + "  \(error)" }
    line += " \(shortCount(usage.totalInput))/\(shortCount(usage.output)) \(shownMoney(turn.costNanoUSD))"
    return turn.flags.isEmpty ? line : line + " [\(turn.flags.joined(separator: " "))]"
}

/// `142K`, `1.2M`.
package func shortCount(_ value: Int64) -> String {
    if value < 1000 { return String(value) }
    if value < 1_000_000 { return "\(value / 1000)K" }
    return "\(value / 1_000_000).\(value % 1_000_000 / 100_000)M"
}

/// A page of one turn.
package func turnText(_ turn: TurnView) -> String {
    var lines: [(String, String?)] = [
        ("turn", turn.requestID), ("time", turn.time), ("key", turn.keyID),
        ("developer", turn.developer ?? turn.serviceAccount), ("team", turn.team),
    ]
    let labels: [(String, Label?)] = [
        ("session", turn.session), ("parent session", turn.parentSession), ("agent", turn.agent),
        ("sub-agent", turn.subAgent),
        ("repository", turn.repository), ("branch", turn.branch), ("commit", turn.commit),
    ]
    lines += labels.map { name, label in (name, label.map { "\($0.value)  (\($0.source.rawValue))" }) }
    lines += [
        ("client", turn.client.map { "\($0) \(turn.clientVersion ?? "")" }), ("project", turn.project),
        ("endpoint", turn.endpoint),
        ("asked", turn.modelAsked), ("deployment", turn.deployment), ("served", turn.modelServed),
        ("status", "\(turn.status)\(turn.error.map { "  \($0)" } ?? "")"), ("finish", turn.finishReason),
        ("flags", turn.flags.isEmpty ? nil : turn.flags.joined(separator: " ")),
    ]
    let usage = turn.usage
    let classes: [(String, Int64)] = [
        ("input", usage.input), ("cache read", usage.cacheRead), ("cache write 5m", usage.cacheWrite5m),
        ("cache write 30m", usage.cacheWrite30m), ("cache write 1h", usage.cacheWrite1h),
        ("cache write 12h", usage.cacheWrite12h), ("cache write ?", usage.cacheWriteUnknown),
        ("tool prompt", usage.toolPrompt), ("output", usage.output), ("of it reasoning", usage.reasoning),
        ("web searches", usage.webSearches), ("web fetches", usage.webFetches),
    ]
    lines += classes.filter { $0.1 > 0 }.map { ($0.0, grouped($0.1)) }
    lines += [
        ("usage from", turn.usageSource), ("raw usage", turn.rawUsage),
        ("cost", "$\(NanoUSD(turn.costNanoUSD).dollars)"), ("price version", turn.priceVersion),
        ("overhead", "\(turn.overheadMicroseconds) us"), ("first byte", turn.firstByte), ("last byte", turn.lastByte),
        ("upstream id", turn.upstreamRequestID), ("response id", turn.responseID),
    ]
    if let cached = turn.cached {
        let saved = cached.saved.map { "$\($0.dollars)" } ?? "unpriced"
        lines.append(("answer of", "\(cached.from), \(cached.ageSeconds) s old; would have cost \(saved)"))
    }
    if let lost = turn.prefixBreak {
        let tokens = "\(grouped(lost.readTokens)) of \(grouped(lost.expectedTokens)) tokens read"
        lines.append(("cache lost", "\(lost.text) (\(tokens); warm after \(lost.after))"))
    }
    lines += traceLines(turn.limits ?? [])
    let size = lines.map(\.0.count).max() ?? 0
    return lines.compactMap { name, value in
        guard let value, !value.isEmpty else { return nil }
        return name + String(repeating: " ", count: size - name.count + 2) + inert(value) + "\n"
    }.joined()
}
