// TurnQuickDecoding: what `decodeTurnForSums` gives, for a record as Weir writes it: no white space, no escape in what is read.
// One pass over the bytes, and no look at what the ledger's sums do not need. What is written otherwise is left to `decodeTurn`.

import CSearch
package import GatewayModel

/// Reads of a turn what sums and labels are made of. Every turn passes here once.
package func decodeTurnQuickly(_ record: UnsafeRawBufferPointer) -> TurnRecord? {
    var reader = QuickReader(record)
    var turn = TurnRecord(
        requestID: RequestID(high: 0, low: 0), principal: Principal(keyID: "", workspace: "", team: ""),
        attribution: Attribution(), endpoint: .chatCompletions, modelAsked: "", received: Timestamp(nanoseconds: 0))
    return reader.read(&turn) ? turn : decodeTurnForSums(record)
}

/// Whether a record can be read in one pass; the rest is read as any JSON is.
package func isQuick(_ record: UnsafeRawBufferPointer) -> Bool {
    var reader = QuickReader(record)
    var turn = TurnRecord(
        requestID: RequestID(high: 0, low: 0), principal: Principal(keyID: "", workspace: "", team: ""),
        attribution: Attribution(), endpoint: .chatCompletions, modelAsked: "", received: Timestamp(nanoseconds: 0))
    return reader.read(&turn)
}

/// Where the sequence number, the kind and the time, with its quotes, of a record as Weir writes it stand.
func readQuickHeader(_ record: UnsafeRawBufferPointer) -> (sequence: Int64, kind: Range<Int>, time: Range<Int>)? {
    var reader = QuickReader(record)
    return reader.header()
}

/// A member's name of at most eight bytes as a number.
private func packed(_ name: StaticString) -> UInt64 {
    var number: UInt64 = 0
    for index in 0..<name.utf8CodeUnitCount { number |= UInt64(name.utf8Start[index]) << UInt64(index * 8) }
    return number
}

enum Wanted {
    case id, key, ws, team, dev, sa, session, parent, agent, sub, repo, branch, client, cver, project, endpoint, stream, provider, model
    case usage, cost, flags, status, error, tools, resp, received, last
    case nothing
}

/// `memberList`, where it can be read without a count of its users. Safe on any thread: it is written once and never given back.
nonisolated(unsafe) private let members: UnsafeBufferPointer<(name: UInt64, wanted: Wanted)> = {
    let all = memberList
    let table = UnsafeMutableBufferPointer<(name: UInt64, wanted: Wanted)>.allocate(capacity: all.count)
    _ = table.initialize(from: all)
    return UnsafeBufferPointer(table)
}()

/// In the order in which they are written, so that a name is mostly found at the first look; those that are not wanted, too.
private let memberList: [(name: UInt64, wanted: Wanted)] = [
    (packed("v"), .nothing), (packed("kind"), .nothing), (packed("time"), .nothing), (packed("node"), .nothing),
    (packed("boot"), .nothing), (packed("seq"), .nothing), (packed("id"), .id), (packed("key"), .key), (packed("ws"), .ws),
    (packed("team"), .team), (packed("dev"), .dev), (packed("sa"), .sa), (packed("session"), .session),
    (packed("parent"), .parent), (packed("affinity"), .nothing), (packed("agent"), .agent), (packed("sub"), .sub),
    (packed("repo"), .repo), (packed("branch"), .branch), (packed("commit"), .nothing), (packed("client"), .client),
    (packed("cver"), .cver), (packed("project"), .project),
    (packed("endpoint"), .endpoint), (packed("stream"), .stream),
    (packed("asked"), .nothing),
    (packed("provider"), .provider), (packed("model"), .model), (packed("served"), .nothing), (packed("snap"), .nothing),
    (packed("price"), .nothing), (packed("tries"), .nothing), (packed("routing"), .nothing), (packed("usage"), .usage),
    (packed("raw"), .nothing),
    (packed("reserved"), .nothing), (packed("cost"), .cost), (packed("flags"), .flags), (packed("status"), .status),
    (packed("error"), .error), (packed("finish"), .nothing), (packed("tools"), .tools), (packed("resp"), .resp),
    (packed("upid"), .nothing), (packed("received"), .received), (packed("sent"), .nothing), (packed("first"), .nothing),
    (packed("last"), .last), (packed("overhead"), .nothing), (packed("bytes_in"), .nothing), (packed("hash"), .nothing),
    (packed("cturn"), .nothing), (packed("tags"), .nothing),
]

/// The place of `snap` among them.
let firstNumber = memberList.firstIndex { $0.name == packed("snap") } ?? 0

private let endpoints = Endpoint.allCases.map { (value: $0, name: Array($0.rawValue.utf8)) }
private let sources = LabelSource.allCases.map { (value: $0, name: Array($0.rawValue.utf8)) }

/// Thrown where a record is not as Weir writes it, or where what is wanted has an escape.
struct NotQuick: Error {}

struct QuickReader {
    let bytes: UnsafeRawBufferPointer
    var at = 0
    /// Where among `members` the next name is looked for first.
    var hint = 0
    private let table = members
    var idPlace = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// False when the record is not as Weir writes it.
    mutating func read(_ turn: inout TurnRecord) -> Bool {
        var hasID = false
        do throws(NotQuick) {
            try take(123)
            repeat {
                let wanted = try name()
                if wanted == .id { hasID = true }
                try member(wanted, &turn)
            } while try goesOn(125)
        } catch {
            return false
        }
        return at == bytes.count && hasID
    }

    mutating func header() -> (sequence: Int64, kind: Range<Int>, time: Range<Int>)? {
        do throws(NotQuick) {
            try take("{\"v\":1,\"kind\":")
            let kind = try text()
            try take(",\"time\":")
            let time = try text()
            try take(",\"node\":")
            _ = try text()
            try take(",\"boot\":")
            _ = try text()
            try take(",\"seq\":")
            let sequence = try integer()
            return sequence > 0 && sequence < .max ? (sequence, kind, time.lowerBound - 1..<time.upperBound + 1) : nil
        } catch {
            return nil
        }
    }

    mutating func member(_ wanted: Wanted, _ turn: inout TurnRecord) throws(NotQuick) {
        switch wanted {
        case .nothing: try skip()
        case .id: turn.requestID = try requestID()
        case .key: turn.principal.keyID = try string()
        case .ws: turn.principal.workspace = try string()
        case .team: turn.principal.team = try string()
        case .dev: turn.principal.developer = try string()
        case .sa: turn.principal.serviceAccount = try string()
        case .session: turn.attribution.session = try label()
        case .parent: turn.attribution.parentSession = try label()
        case .agent: turn.attribution.agent = try label()
        case .sub: turn.attribution.subAgent = try label()
        case .repo: turn.attribution.repository = try label()
        case .branch: turn.attribution.branch = try label()
        case .client: turn.attribution.client = try string()
        case .cver: turn.attribution.clientVersion = try string()
        case .project: turn.attribution.project = try string()
        case .endpoint:
            let text = try text()
            guard let found = endpoints.first(where: { isEqual($0.name, text) }) else { throw NotQuick() }
            turn.endpoint = found.value
        case .stream:
            guard at + 4 <= bytes.count, bytes[at] == 116 else { throw NotQuick() }
            turn.stream = true
            at += 4
        case .provider: turn.provider = try string()
        case .model: turn.model = try string()
        case .usage: turn.usage = try usage()
        case .cost: turn.cost = NanoUSD(try integer())
        case .flags: turn.flags = TurnFlags(rawValue: try integer())
        case .status: turn.status = Int(try integer())
        case .error: turn.errorClass = try string()
        case .tools: turn.toolCalls = Int(try integer())
        case .resp: turn.responseID = try string()
        case .received: turn.received = Timestamp(nanoseconds: try integer())
        case .last: turn.lastByte = Timestamp(nanoseconds: try integer())
        }
    }

    // MARK: Values

    mutating func string() throws(NotQuick) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[try text()]), as: UTF8.self)
    }

    mutating func label() throws(NotQuick) -> Label {
        try take(91)
        let value = try string()
        try take(44)
        let source = try text()
        try take(93)
        guard let found = sources.first(where: { isEqual($0.name, source) }) else { throw NotQuick() }
        return Label(value, found.value)
    }

    mutating func usage() throws(NotQuick) -> TokenUsage {
        var usage = TokenUsage()
        try take(91)
        usage.input = try integer()
        try take(44)
        usage.cacheRead = try integer()
        try take(44)
        usage.cacheWrite5m = try integer()
        try take(44)
        usage.cacheWrite30m = try integer()
        try take(44)
        usage.cacheWrite1h = try integer()
        try take(44)
        usage.cacheWrite12h = try integer()
        try take(44)
        usage.cacheWriteUnknown = try integer()
        try take(44)
        usage.toolPrompt = try integer()
        try take(44)
        usage.output = try integer()
        try take(44)
        usage.reasoning = try integer()
        try take(44)
        usage.audioInput = try integer()
        try take(44)
        usage.imageInput = try integer()
        try take(44)
        usage.audioOutput = try integer()
        try take(44)
        usage.imageOutput = try integer()
        try take(44)
        usage.webSearches = try integer()
        try take(44)
        usage.webFetches = try integer()
        try take(93)
        return usage
    }

    mutating func requestID() throws(NotQuick) -> RequestID {
        let text = try text()
        guard text.count == 36 else { throw NotQuick() }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        for index in text {
            let digit: UInt8
            switch bytes[index] {
            case 48...57: digit = bytes[index] - 48
            case 97...102: digit = bytes[index] - 87
            case 45: continue
            default: throw NotQuick()
            }
            if count < 16 { halves.high = halves.high << 4 | UInt64(digit) } else { halves.low = halves.low << 4 | UInt64(digit) }
            count += 1
        }
        guard count == 32 else { throw NotQuick() }
        return RequestID(high: halves.high, low: halves.low)
    }

    mutating func integer() throws(NotQuick) -> Int64 {
        var isNegative = false
        if at < bytes.count, bytes[at] == 45 {
            isNegative = true
            at += 1
        }
        let start = at
        var value: UInt64 = 0
        while at < bytes.count, case let digit = bytes[at] &- 48, digit < 10 {
            value = value &* 10 &+ UInt64(digit)
            at += 1
        }
        // Nineteen digits are always less than 2^64.
        guard at > start, at - start < 20, value <= UInt64(Int64.max), at < bytes.count,
            bytes[at] == 44 || bytes[at] == 125 || bytes[at] == 93
        else { throw NotQuick() }
        return isNegative ? -Int64(value) : Int64(value)
    }

    /// Where a string without escapes lies between its quotes.
    mutating func text() throws(NotQuick) -> Range<Int> {
        try take(34)
        let start = at
        at = weir_plain_end(bytes.baseAddress, start, bytes.count)
        let end = at
        try take(34)
        return start..<end
    }

    // MARK: Structure

    mutating func name() throws(NotQuick) -> Wanted {
        guard at + 10 < bytes.count, bytes[at] == 34 else { throw NotQuick() }
        // The name's first eight bytes, and where among them a quote is.
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 1, as: UInt64.self))
        let other = word ^ 0x2222_2222_2222_2222
        let quotes = (other &- 0x0101_0101_0101_0101) & ~other & 0x8080_8080_8080_8080
        let count = quotes == 0 ? 8 : quotes.trailingZeroBitCount / 8
        let name = count == 8 ? word : word & (1 << UInt64(count * 8) - 1)
        if bytes[at + 1 + count] == 34, let wanted = find(name) {
            at += count + 2
            try take(58)
            return wanted
        }
        // A longer name, or one that is not known.
        _ = try text()
        try take(58)
        return .nothing
    }

    mutating func find(_ name: UInt64) -> Wanted? {
        let count = table.count
        for step in 0..<count {
            let place = hint + step < count ? hint + step : hint + step - count
            guard table[place].name == name else { continue }
            hint = place + 1
            return table[place].wanted
        }
        return nil
    }

    /// Crosses a value of any kind.
    mutating func skip() throws(NotQuick) {
        guard at < bytes.count else { throw NotQuick() }
        guard bytes[at] == 123 || bytes[at] == 91 else { return try skipScalar() }
        var depth = 0
        repeat {
            guard at < bytes.count else { throw NotQuick() }
            switch bytes[at] {
            case 123, 91:
                depth += 1
                at += 1
            case 125, 93:
                depth -= 1
                at += 1
            case 44, 58: at += 1
            default: try skipScalar()
            }
        } while depth > 0
    }

    mutating func skipScalar() throws(NotQuick) {
        guard bytes[at] == 34 else {
            let start = at
            while at < bytes.count, bytes[at] != 44, bytes[at] != 125, bytes[at] != 93 {
                // Digits and small letters: no white space, no quote.
                guard bytes[at] > 42, bytes[at] < 123 else { throw NotQuick() }
                at += 1
            }
            if at == start { throw NotQuick() }
            return
        }
        at += 1
        while true {
            at = weir_string_stop(bytes.baseAddress, at, bytes.count)
            guard at < bytes.count else { throw NotQuick() }
            switch bytes[at] {
            case 34:
                at += 1
                return
            case 92: at += 2
            default: throw NotQuick()
            }
        }
    }

    /// True behind a comma, false behind the end of the object.
    mutating func goesOn(_ end: UInt8) throws(NotQuick) -> Bool {
        guard at < bytes.count, bytes[at] == 44 || bytes[at] == end else { throw NotQuick() }
        at += 1
        return bytes[at - 1] == 44
    }

    @inline(__always)
    mutating func take(_ byte: UInt8) throws(NotQuick) {
        guard at < bytes.count, bytes[at] == byte else { throw NotQuick() }
        at += 1
    }

    mutating func take(_ text: StaticString) throws(NotQuick) {
        let count = text.utf8CodeUnitCount
        guard at + count <= bytes.count else { throw NotQuick() }
        for index in 0..<count where bytes[at + index] != text.utf8Start[index] { throw NotQuick() }
        at += count
    }

    private func isEqual(_ name: [UInt8], _ text: Range<Int>) -> Bool {
        guard name.count == text.count else { return false }
        for index in 0..<name.count where name[index] != bytes[text.lowerBound + index] { return false }
        return true
    }
}
