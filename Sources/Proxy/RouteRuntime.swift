// RouteRuntime: the routes of a snapshot, each deployment with its provider, ready for a turn.

import Dialects
import GatewayModel
import Policy
import Providers

/// A deployment of a route.
final class DeploymentRuntime: Sendable {
    let provider: ProviderRuntime
    /// The id that goes upstream.
    let model: String
    /// `provider/model`.
    let name: String
    let state: DeploymentState

    init(provider: ProviderRuntime, model: String, state: DeploymentState) {
        self.provider = provider
        self.model = model
        name = "\(provider.provider.name)/\(model)"
        self.state = state
    }

    /// The dialect in which it is asked: the client's own, else one that Weir translates to.
    func dialect(for endpoint: Endpoint) -> Dialect? {
        if provider.provider.speaks(endpoint.dialect, for: model, translated: false) { return endpoint.dialect }
        return endpoint.isTranslatable
            ? translatableDialects(for: endpoint.dialect).first { provider.provider.speaks($0, for: model, translated: true) } : nil
    }
}

extension ProviderRuntime {
    /// A route to one deployment of this provider. Its health is that of the provider, whatever the model: clients' names must not
    /// fill a table.
    func ownRoute(_ board: DeploymentBoard, model: String) -> RouteRuntime {
        var route = Route(name: "", models: [], deployments: [RouteDeployment("\(provider.name)/\(model)")])
        route.fallBackOn = []
        route.retriesMax = 0
        let state = board.deployment("\(provider.name)/*", credentials: credentials.count)
        return RouteRuntime(
            route, deployments: [DeploymentRuntime(provider: self, model: model, state: state)], state: board.route(""))
    }
}

/// A route with its deployments, in the order of the configuration.
final class RouteRuntime: Sendable {
    let route: Route
    let deployments: [DeploymentRuntime]
    let state: RouteState
    /// Whether a decision needs a look at the conversation: what is signed binds it in any case.
    let looksInside: Bool

    init(_ route: Route, deployments: [DeploymentRuntime], state: RouteState) {
        self.route = route
        self.deployments = deployments
        self.state = state
        looksInside =
            route.deployments.count > 1
    }
}

/// The routes of a snapshot, by the names that clients ask for.
struct RouteTable: Sendable {
    let all: [RouteRuntime]
    private let byModel: [String: Int]

    var isEmpty: Bool { all.isEmpty }

    /// Deployments of providers that are not there are left out; the configuration's reader has said so.
    init(_ routes: [Route], models: ModelTable, providers: [ProviderRuntime], board: DeploymentBoard) {
        var all: [RouteRuntime] = []
        var byModel: [String: Int] = [:]
        for route in routes {
            var kept = route
            kept.deployments = []
            var deployments: [DeploymentRuntime] = []
            for one in route.deployments {
                guard let found = models.deployment(one.deployment) else { continue }
                let provider = providers[found.providerIndex]
                kept.deployments.append(one)
                deployments.append(
                    DeploymentRuntime(
                        provider: provider, model: found.model,
                        state: board.deployment(
                            "\(provider.provider.name)/\(found.model)", credentials: provider.credentials.count)))
            }
            guard !deployments.isEmpty else { continue }
            for model in route.models { byModel[model] = all.count }
            all.append(RouteRuntime(kept, deployments: deployments, state: board.route(route.name)))
        }
        self.all = all
        self.byModel = byModel
    }

    subscript(model: String) -> RouteRuntime? { byModel[model].map { all[$0] } }
}
