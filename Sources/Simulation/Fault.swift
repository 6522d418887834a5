// Fault: what goes wrong on demand, asked for by the `x-sim-fault` header or armed at `/_sim/fault` for clients that cannot set one.

/// One fault. The text form is `name` or `name:number`, and `;key=value` options.
package struct Fault: Sendable, Hashable {
    /// What goes wrong.
    package enum Kind: String, Sendable, CaseIterable {
        /// An error answer with this status.
        case status
        /// The connection closes before an answer.
        case reset
        /// No answer ever comes.
        case hang
        /// The connection closes after this many events.
        case cut
        /// Nothing more comes after this many events; the connection stays open.
        case stall
        /// An error event inside the 200 after this many events.
        case errorEvent = "error-event"
        /// The stream ends without its last event.
        case noDone = "no-done"
        /// A JSON answer to a streaming request.
        case json
        /// An HTML page with status 502.
        case html
        /// Usage is left out.
        case noUsage = "no-usage"
        /// Lines end in CRLF.
        case crlf
        /// A comment before every event.
        case comments
        /// An event whose data is no JSON.
        case garbage
        /// The answer's head comes after this many milliseconds.
        case slowHead = "slow-head"
    }

    package var kind: Kind
    package var number: Int
    package var retryAfter: Int?

    package init(_ kind: Kind, _ number: Int = 0, retryAfter: Int? = nil) {
        self.kind = kind
        self.number = number
        self.retryAfter = retryAfter
    }

    /// Reads the text form; nil when there is no such fault.
    package init?(_ text: some StringProtocol) {
        let options = text.split(separator: ";")
        guard let head = options.first else { return nil }
        let parts = head.split(separator: ":", maxSplits: 1)
        guard let name = parts.first, let kind = Kind(rawValue: String(name)) else { return nil }
        self.kind = kind
        number = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        for option in options.dropFirst() {
            let pair = option.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0] == "retry-after" { retryAfter = Int(pair[1]) }
        }
    }
}

/// One step of an answer.
enum Step: Sendable {
    /// Bytes of the body, sent and flushed as one write.
    case bytes([UInt8])
    /// The connection ends here without the end of the body.
    case cut
    /// Nothing more happens.
    case stall
}

/// A whole scripted answer.
struct ScriptedAnswer: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var steps: [Step] = []
    var isStream = false
    /// What the served log says of it: the usage as the provider bills it.
    var usage: JSONText?
    var model = ""
    var responseID: String?

    static func json(_ value: JSONText, status: Int = 200, headers: [(String, String)] = []) -> ScriptedAnswer {
        ScriptedAnswer(
            status: status, headers: [("content-type", "application/json")] + headers,
            steps: [.bytes(Array(value.json.utf8))])
    }
}
