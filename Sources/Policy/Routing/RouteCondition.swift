// RouteCondition: when a deployment may serve a turn. Pure: what is known of the turn comes in.

package import GatewayModel

/// What a route may know of a turn.
package struct RouteFacts: Sendable {
    /// Estimated from the body's bytes.
    package var inputTokens: Int64 = 0
    /// Tools that the request offers.
    package var toolCount: Int64 = 0
    /// Answers of the model that called tools, since a person wrote something.
    package var toolDepth: Int64 = 0
    /// Messages of the conversation.
    package var turnDepth: Int64 = 0
    package var hasImages = false
    /// The conversation holds blocks that only their maker can read: signed thinking, encrypted reasoning.
    package var isSigned = false
    /// The last message is the result of a tool: the model is in the middle of an answer.
    package var isInToolCall = false
    package var repository: String?
    package var branch: String?
    package var team = ""
    package var developer: String?
    package var agent: String?
    package var session: String?
    package var tags: [String: String] = [:]
    package var time: Timestamp

    package init(time: Timestamp) { self.time = time }
}

/// A range of counts, both ends included.
package struct CountRange: Sendable, Hashable {
    package var least: Int64
    package var most: Int64

    package init(_ least: Int64 = 0, _ most: Int64 = .max) {
        self.least = least
        self.most = most
    }

    /// `8000`, `1..`, `..8000` or `1..3`.
    package init?(_ text: String) {
        let parts = text.split(separator: "..", maxSplits: 1, omittingEmptySubsequences: false)
            .map { String($0.filter { $0 != "_" && $0 != " " }) }
        let numbers = parts.map { part -> Int64? in part.isEmpty ? nil : Int64(part) }
        guard zip(parts, numbers).allSatisfy({ part, number in part.isEmpty || (number ?? -1) >= 0 }) else { return nil }
        switch parts.count {
        case 1:
            guard let number = numbers[0] else { return nil }
            self.init(number, number)
        default:
            guard numbers.contains(where: { $0 != nil }) else { return nil }
            self.init(numbers[0] ?? 0, numbers[1] ?? .max)
            guard least <= most else { return nil }
        }
    }

    package func contains(_ count: Int64) -> Bool { count >= least && count <= most }
}

/// What must hold; what is not said always holds.
package struct RouteCondition: Sendable, Hashable {
    package var inputTokens: CountRange?
    package var toolCount: CountRange?
    package var toolDepth: CountRange?
    package var turnDepth: CountRange?
    package var images: Bool?
    /// Patterns with `*` at the ends; one of them must match.
    package var repositories: [String] = []
    package var branches: [String] = []
    package var teams: [String] = []
    package var developers: [String] = []
    package var agents: [String] = []
    package var sessions: [String] = []
    package var tags: [String: [String]] = [:]
    /// Lower-case names of request fields.
    package var headers: [String: [String]] = [:]
    package var hours: WeeklyHours?

    package init() {}

    package var isAlways: Bool { self == RouteCondition() }

    /// Whether it asks what only a look at the conversation tells.
    package var looksInside: Bool { toolCount != nil || toolDepth != nil || turnDepth != nil || images != nil }

    /// - Parameter header: the value of a request's field.
    package func holds(_ facts: RouteFacts, header: (String) -> String?) -> Bool {
        if let inputTokens, !inputTokens.contains(facts.inputTokens) { return false }
        if let toolCount, !toolCount.contains(facts.toolCount) { return false }
        if let toolDepth, !toolDepth.contains(facts.toolDepth) { return false }
        if let turnDepth, !turnDepth.contains(facts.turnDepth) { return false }
        if let images, images != facts.hasImages { return false }
        if let hours, !hours.contains(facts.time) { return false }
        return isOne(of: repositories, facts.repository) && isOne(of: branches, facts.branch) && isOne(of: teams, facts.team)
            && isOne(of: developers, facts.developer) && isOne(of: agents, facts.agent) && isOne(of: sessions, facts.session)
            && tags.allSatisfy { isOne(of: $0.value, facts.tags[$0.key]) }
            && headers.allSatisfy { isOne(of: $0.value, header($0.key)) }
    }

    private func isOne(of patterns: [String], _ value: String?) -> Bool {
        guard !patterns.isEmpty else { return true }
        guard let value else { return false }
        return patterns.contains { KeyAccess.matches($0, value) }
    }
}
