// GeneratedExports: export requests of every shape, by a seed.

import FuzzOracles
import Telemetry

/// Makes requests.
struct GeneratedExports {
    private var random: Seeded

    init(seed: UInt64) { random = Seeded(seed) }

    mutating func export() -> TelemetryExport {
        switch random.below(3) {
        case 0: .logs(groups { $0.log() })
        case 1: .traces(groups { $0.span() })
        default: .metrics(groups { $0.point() })
        }
    }

    private mutating func groups<Item>(_ make: (inout GeneratedExports) -> Item) -> [TelemetryGroup<Item>] {
        var groups: [TelemetryGroup<Item>] = []
        for _ in 0..<random.below(4) {
            var group = TelemetryGroup<Item>()
            group.resource = attributes(4)
            group.scope.name = text()
            group.scope.version = text()
            group.scope.attributes = attributes(2)
            for _ in 0..<random.below(4) { group.items.append(make(&self)) }
            groups.append(group)
        }
        return groups
    }

    private mutating func log() -> TelemetryLog {
        var log = TelemetryLog()
        log.timeNanoseconds = whole()
        log.observedNanoseconds = whole()
        log.severity = Int32(random.below(25))
        log.severityText = text()
        log.eventName = text()
        log.body = value(depth: 0)
        log.attributes = attributes(6)
        log.traceID = bytes(16)
        log.spanID = bytes(8)
        return log
    }

    private mutating func span() -> TelemetrySpan {
        var span = TelemetrySpan()
        span.traceID = bytes(16)
        span.spanID = bytes(8)
        span.parentSpanID = bytes(8)
        span.name = text()
        span.kind = Int32(random.below(6))
        span.startNanoseconds = whole()
        span.endNanoseconds = whole()
        span.attributes = attributes(6)
        span.statusCode = Int32(random.below(3))
        span.statusMessage = text()
        return span
    }

    private mutating func point() -> TelemetryPoint {
        var point = TelemetryPoint()
        point.name = text()
        point.unit = text()
        point.attributes = attributes(3)
        point.startNanoseconds = whole()
        point.timeNanoseconds = whole()
        switch random.below(4) {
        case 0: point.value = .int(Int64(bitPattern: random.next()) >> Int64(random.below(63)))
        case 1: point.value = .double(number())
        case 2: point.value = .distribution(count: whole(), sum: random.chance(2) ? nil : number())
        default: point.value = .none
        }
        return point
    }

    private mutating func attributes(_ most: Int, depth: Int = 0) -> [TelemetryAttribute] {
        var found: [TelemetryAttribute] = []
        for _ in 0..<random.below(most + 1) { found.append(TelemetryAttribute(text(), value(depth: depth))) }
        return found
    }

    private mutating func value(depth: Int) -> TelemetryValue {
        switch random.below(depth > 3 ? 5 : 8) {
        case 0: .string(text())
        case 1: .bool(random.chance(2))
        case 2: .int(Int64(bitPattern: random.next()) >> Int64(random.below(63)))
        case 3: .double(number())
        case 4: .bytes(bytes(random.below(9)))
        case 5:
            .array((0..<random.below(4)).map { _ in value(depth: depth + 1) })
        case 6: .map(attributes(3, depth: depth + 1))
        default: .empty
        }
    }

    private mutating func whole() -> UInt64 { random.next() >> UInt64(random.below(63)) }

    /// A double that equals itself.
    private mutating func number() -> Double {
        switch random.below(5) {
        case 0: .infinity
        case 1: -.infinity
        case 2: Double(Int64(bitPattern: random.next()) >> 20)
        default: Double(Int64(bitPattern: random.next())) / 3e7
        }
    }

    private mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }

    private mutating func text() -> String {
        let pieces = ["", "a", "request_id", "é", "日本", "\"", "\\", "\u{0}", "\n", "😀", "gen_ai.", " "]
        return (0..<random.below(5)).map { _ in pieces[random.below(pieces.count)] }.joined()
    }
}
