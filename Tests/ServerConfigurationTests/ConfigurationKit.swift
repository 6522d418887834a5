// ConfigurationKit: reads a text as weir.yaml, and looks at faults.

import ServerConfiguration
import Testing

/// The settings of a text.
func settings(_ text: String, _ environment: [String: String] = [:]) throws -> GatewaySettings {
    try ConfigurationReader.read(text: text, file: "weir.yaml", environment: environment)
}

/// Every fault of a text; none when it is accepted.
func faults(_ text: String, _ environment: [String: String] = [:]) -> [ConfigurationFault] {
    do throws(ConfigurationFaults) {
        _ = try ConfigurationReader.read(text: text, file: "weir.yaml", environment: environment)
        return []
    } catch {
        return error.faults
    }
}

/// A provider's lines under `providers:`.
func provider(_ lines: String...) -> String {
    "providers:\n  - kind: openai\n" + lines.map { "    \($0)\n" }.joined()
}
