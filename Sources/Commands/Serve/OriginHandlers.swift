// OriginHandlers: who answers on the gateway's own origin beside the data plane, in one list.

import AgentOrigin
import GatewayModel
import Identity
import Logging
import Proxy

/// Every handler of this server.
func makeOriginHandlers(
    directory: Directory, clock: any GatewayClock, publisher: SnapshotPublisher, telemetry: TelemetryReceiver
) -> [any OriginHandler] {
    [
        AgentOrigin(
            AgentOriginDependencies(
                directory: directory, clock: clock, settings: { await publisher.agentOrigin },
                publish: { try await publisher.publish() })),
        telemetry,
    ]
}
