// OriginHandlers: who answers on the gateway's own origin beside the data plane, in one list.

import Logging
import Proxy

/// Every handler of this server.
func makeOriginHandlers(telemetry: TelemetryReceiver) -> [any OriginHandler] {
    [telemetry]
}
