// ClientReport: what a client itself says of its calls and tools. It is held beside what Weir saw, for comparison; its tokens and
// its cost are never usage and never spend.

/// One call of a model, as its client tells it.
package struct ClientCall: Sendable, Hashable {
    /// The id that the answer carried in `request-id`, or the response's id; empty when the client names none.
    package var requestID = ""
    package var session: String?
    /// The client's own id of the prompt that led to the call.
    package var prompt: String?
    /// The agent's name or kind.
    package var agent: String?
    /// The id of a sub-agent inside a session.
    package var subAgent: String?
    package var model: String?
    /// When the client wrote it, by the client's clock.
    package var time = Timestamp(nanoseconds: 0)
    /// Nil while the client has not said.
    package var success: Bool?
    /// The HTTP status of a call that failed.
    package var status: Int64?
    package var attempt: Int64?
    package var durationMilliseconds: Int64?
    package var firstTokenMilliseconds: Int64?
    package var input: Int64?
    package var output: Int64?
    package var cacheRead: Int64?
    package var cacheWrite: Int64?
    /// Whether `input` counts cache reads and writes too, as the GenAI conventions have it and Anthropic's API has not.
    package var inputIsWhole = false
    package var cost: NanoUSD?

    package init() {}
}

/// One tool call, as its client tells it.
package struct ClientTool: Sendable, Hashable {
    /// The id of the tool call, which the model made; empty when the client names none.
    package var callID = ""
    package var name: String?
    package var session: String?
    package var prompt: String?
    package var subAgent: String?
    /// The request whose answer asked for the tool.
    package var requestID: String?
    package var time = Timestamp(nanoseconds: 0)
    package var success: Bool?
    package var durationMilliseconds: Int64?

    package init() {}
}

/// What one client said at one time. `client.reported` in the journal carries exactly these fields.
package struct ClientReport: Sendable, Hashable {
    package var principal: Principal
    /// The program: `claude-code`.
    package var client: String
    package var clientVersion: String
    /// When Weir took it, by Weir's clock.
    package var received: Timestamp
    package var calls: [ClientCall] = []
    package var tools: [ClientTool] = []

    package init(principal: Principal, client: String, clientVersion: String, received: Timestamp) {
        self.principal = principal
        self.client = client
        self.clientVersion = clientVersion
        self.received = received
    }

    package var isEmpty: Bool { calls.isEmpty && tools.isEmpty }
}
