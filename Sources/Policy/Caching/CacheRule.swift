// CacheRule: which answers may be kept and given again, for how long, and to whom. As configured; pure values.

package import GatewayModel

/// Who may get an answer that another caller's request has left. No scope reaches beyond a workspace.
package enum CacheScope: String, Sendable, Codable, CaseIterable {
    /// The same virtual key.
    case key
    /// The same developer, or service account, by whichever of their keys.
    case developer
    /// The same team.
    case team
    /// The same workspace.
    case workspace

    /// What callers who share answers have in common, and no others.
    package func owner(_ principal: Principal) -> [String] {
        let own: [String] =
            switch self {
            case .key: [principal.keyID]
            case .developer: principal.developer.map { ["developer", $0] } ?? ["service_account", principal.serviceAccount ?? ""]
            case .team: [principal.team]
            case .workspace: []
            }
        return [rawValue, principal.workspace] + own
    }
}

/// The exact response cache of a route or a key.
package struct CacheRule: Sendable, Hashable {
    /// How long an answer is given again.
    package var seconds: Int
    package var scope = CacheScope.key
    /// Whether turns that offer tools are kept too: what an agent does next rests on more than what it says.
    package var keepsTools = false

    package init(seconds: Int) { self.seconds = seconds }

    package static let secondsMax = 30 * 86_400

    /// The rule for a turn: a key can refuse what its route allows, and ask for what its route does not speak of.
    /// - Parameter keySeconds: 0 is never; nil leaves it to the route.
    package static func inForce(route: CacheRule?, keySeconds: Int?) -> CacheRule? {
        switch keySeconds {
        case nil: route
        case 0: nil
        case let seconds?: route ?? CacheRule(seconds: seconds)
        }
    }
}
