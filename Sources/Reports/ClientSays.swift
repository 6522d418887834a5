// ClientSays: what a client says of a turn and of its tools, as the admin API shows it beside what Weir saw.

package import GatewayModel

/// A client's figures of one turn. They are nowhere added to usage or spend.
package struct ClientSays: Sendable, Codable, Hashable {
    /// The client's figures less Weir's; a figure that the client did not give has none.
    package struct Difference: Sendable, Codable, Hashable {
        package var input: Int64?
        package var output: Int64?
        package var cacheRead: Int64?
        package var cacheWrite: Int64?
        package var costNanoUSD: Int64?

        enum CodingKeys: String, CodingKey {
            case input, output
            case cacheRead = "cache_read"
            case cacheWrite = "cache_write"
            case costNanoUSD = "cost_nano_usd"
        }

        package var isZero: Bool { [input, output, cacheRead, cacheWrite, costNanoUSD].allSatisfy { $0 ?? 0 == 0 } }
    }

    package var client: String
    package var version: String
    /// The id by which the client names the turn.
    package var requestID: String
    package var reported: String
    package var session: String?
    package var prompt: String?
    package var agent: String?
    package var subAgent: String?
    package var model: String?
    package var success: Bool?
    package var status: Int64?
    package var attempt: Int64?
    package var durationMilliseconds: Int64?
    package var firstTokenMilliseconds: Int64?
    package var input: Int64?
    package var output: Int64?
    package var cacheRead: Int64?
    package var cacheWrite: Int64?
    package var costNanoUSD: Int64?
    package var difference = Difference()

    package init(client: String, version: String, requestID: String, reported: String) {
        self.client = client
        self.version = version
        self.requestID = requestID
        self.reported = reported
    }

    enum CodingKeys: String, CodingKey {
        case client, version
        case requestID = "request_id"
        case reported, session, prompt, agent
        case subAgent = "sub_agent"
        case model, success, status, attempt
        case durationMilliseconds = "duration_ms"
        case firstTokenMilliseconds = "ttft_ms"
        case input, output
        case cacheRead = "cache_read"
        case cacheWrite = "cache_write"
        case costNanoUSD = "cost_nano_usd"
        case difference
    }

    /// Holds the client's figures against a turn's. `inputIsWhole` when its input counts what was read from and written to caches.
    package mutating func compare(with turn: TurnRecord, inputIsWhole: Bool) {
        let usage = turn.usage
        let written = [
            usage.cacheWrite5m, usage.cacheWrite30m, usage.cacheWrite1h, usage.cacheWrite12h, usage.cacheWriteUnknown,
        ].reduce(0) { $0 &+ $1 }
        difference = Difference(
            input: input.map { $0 &- (inputIsWhole ? usage.totalInput : usage.input) }, output: output.map { $0 &- usage.output },
            cacheRead: cacheRead.map { $0 &- usage.cacheRead }, cacheWrite: cacheWrite.map { $0 &- written },
            costNanoUSD: turn.flags.contains(.unpriced) ? nil : costNanoUSD.map { $0 &- turn.cost.value })
    }
}

/// What a session's client says of one tool.
package struct ToolUse: Sendable, Codable, Hashable {
    package var name: String
    package var calls: Int64
    package var failures: Int64
    package var durationMilliseconds: Int64

    package init(name: String, calls: Int64, failures: Int64, durationMilliseconds: Int64) {
        self.name = name
        self.calls = calls
        self.failures = failures
        self.durationMilliseconds = durationMilliseconds
    }

    enum CodingKeys: String, CodingKey {
        case name, calls, failures
        case durationMilliseconds = "duration_ms"
    }
}
