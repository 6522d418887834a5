// SSEOracle: what must hold of the event framer and of each dialect's meter for any bytes: the split does not matter, and what
// goes to the client is the input less whole events.

package import Dialects
package import GatewayModel
import WireFormat

/// One event, as text.
package struct FramedEvent: Equatable, Sendable {
    package var name: String
    package var data: String
    package init(name: String, data: String) {
        self.name = name
        self.data = data
    }
}

/// Frames pieces and gives the events that have a meaning, and every byte as it came out.
package func frameEvents(_ pieces: [[UInt8]], eventBytesMax: Int = 1 << 20) -> (
    events: [FramedEvent], raw: [UInt8], oversized: Int
) {
    var framer = SSEFramer(eventBytesMax: eventBytesMax)
    var events: [FramedEvent] = []
    var raw: [UInt8] = []
    let take = { (event: SSEEvent) in
        raw.append(contentsOf: event.raw)
        guard !event.data.isEmpty || !event.name.isEmpty else { return }
        events.append(
            FramedEvent(
                name: String(decoding: event.name, as: UTF8.self), data: String(decoding: event.data, as: UTF8.self)))
    }
    for piece in pieces { piece.withUnsafeBytes { framer.read($0, passed: { raw.append(contentsOf: $0) }, take) } }
    framer.finish(take)
    return (events, raw, framer.oversizedCount)
}

/// What the meter said and what it let through.
package struct Metered: Equatable, Sendable {
    package var reading: String
    package var kept: [UInt8]
}

/// Meters pieces of one response.
package func meter(
    _ pieces: [[UInt8]], endpoint: Endpoint, body: ResponseBodyKind, withholds: Bool, lineBytesMax: Int = 1 << 20
) -> (reading: MeterReading, kept: [UInt8]) {
    var meter = ResponseMeter(
        endpoint: endpoint, body: body, withholdsUsageEvent: withholds, lineBytesMax: lineBytesMax)
    var kept: [UInt8] = []
    for piece in pieces { piece.withUnsafeBytes { meter.consume($0) { kept.append(contentsOf: $0) } } }
    meter.finish { kept.append(contentsOf: $0) }
    return (meter.reading, kept)
}

/// The first byte chooses dialect and mode, the rest is the response.
package func checkSSE(_ input: [UInt8]) -> Finding? {
    guard let choice = input.first else { return nil }
    let bytes = Array(input.dropFirst())
    var random = Seeded(bytes: input)
    let limit = choice & 0x80 == 0 ? 1 << 20 : 64
    let whole = frameEvents([bytes], eventBytesMax: limit)
    if whole.raw != bytes { return "the framer lost or changed bytes" }
    if limit > bytes.count, whole.events != referenceEvents(bytes) {
        return "the framer and the specification disagree"
    }
    for _ in 0..<3 {
        let cut = frameEvents(random.cut(bytes), eventBytesMax: limit)
        if cut.events != whole.events || cut.oversized != whole.oversized { return "a split changed the events" }
        if cut.raw != bytes { return "a split lost bytes" }
    }
    let endpoint = [Endpoint.chatCompletions, .completions, .embeddings, .responses, .messages][Int(choice & 7) % 5]
    let kind: ResponseBodyKind = choice & 8 == 0 ? .sse : .json
    let withholds = choice & 16 != 0
    let one = meter([bytes], endpoint: endpoint, body: kind, withholds: withholds, lineBytesMax: limit)
    for _ in 0..<3 {
        let other = meter(random.cut(bytes), endpoint: endpoint, body: kind, withholds: withholds, lineBytesMax: limit)
        if describe(one.reading) != describe(other.reading) { return "a split changed the reading" }
        if kind == .sse, withholds, one.kept != other.kept { return "a split changed what is kept" }
    }
    return checkReading(one.reading) ?? checkKept(one.kept, of: bytes)
}

/// A reading in full, for comparing two.
package func describe(_ reading: MeterReading) -> String {
    "\(reading.usage) \(reading.usageSource) \(reading.qualifiers) \(reading.rawUsage.map(hex) ?? "-") \(reading.modelServed ?? "-") "
        + "\(reading.responseID ?? "-") \(reading.finishReason ?? "-") \(reading.toolCalls) \(reading.isComplete) "
        + "\(reading.sawDone) \(reading.errorEvent.map { "\($0)" } ?? "-") \(reading.contentBytes) \(reading.eventCount) "
        + "\(reading.inconsistent) \(reading.isPending)"
}

/// No count is negative or absurd, and no part exceeds its whole.
private func checkReading(_ reading: MeterReading) -> Finding? {
    let usage = reading.usage
    let counts = [
        usage.input, usage.cacheRead, usage.cacheWrite5m, usage.cacheWrite30m, usage.cacheWrite1h, usage.cacheWrite12h,
        usage.output, usage.reasoning, usage.audioInput, usage.imageInput, usage.audioOutput, usage.webSearches,
        usage.webFetches, reading.contentBytes,
    ]
    if counts.contains(where: { $0 < 0 || $0 > 100_000_000_000_000 }) { return "a count is out of bounds: \(usage)" }
    return usage.reasoning > usage.output ? "reasoning is more than output: \(usage)" : nil
}

/// What is kept is the input less some bytes, in order.
private func checkKept(_ kept: [UInt8], of bytes: [UInt8]) -> Finding? {
    var rest = bytes[...]
    for byte in kept {
        guard let index = rest.firstIndex(of: byte) else {
            return "the client got bytes that the provider did not send"
        }
        rest = rest[(index + 1)...]
    }
    return nil
}

/// WHATWG HTML 9.2.6, by the letter, but for the last event, which the meter reads although its blank line is missing.
private func referenceEvents(_ bytes: [UInt8]) -> [FramedEvent] {
    var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    var events: [FramedEvent] = []
    var name: [UInt8] = []
    var data: [UInt8] = []
    func dispatch() {
        if data.last == 10 { data.removeLast() }
        if !data.isEmpty || !name.isEmpty {
            events.append(
                FramedEvent(name: String(decoding: name, as: UTF8.self), data: String(decoding: data, as: UTF8.self)))
        }
        name = []
        data = []
    }
    while !rest.isEmpty {
        let end = rest.firstIndex { $0 == 10 || $0 == 13 } ?? rest.endIndex
        let line = rest[rest.startIndex..<end]
        rest = rest[min(end + 1, rest.endIndex)...]
        if end < bytes.count, bytes[end] == 13, rest.first == 10 { rest = rest.dropFirst() }
        guard !line.isEmpty else {
            dispatch()
            continue
        }
        let colon = line.firstIndex(of: 58) ?? line.endIndex
        var value = colon < line.endIndex ? line[(colon + 1)...] : []
        if value.first == 32 { value = value.dropFirst() }
        if line[..<colon].elementsEqual("data".utf8) { data += Array(value) + [10] }
        if line[..<colon].elementsEqual("event".utf8) { name = Array(value) }
    }
    dispatch()
    return events
}
