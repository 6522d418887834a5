// GatewaySettings: everything that a process is configured by, after flags, environment, file and defaults were laid over one
// another.

package import GatewayModel
package import Policy

/// A whole configuration.
package struct GatewaySettings: Sendable {
    package var listen = "127.0.0.1:8787"
    package var tlsCertificate: String?
    package var tlsPrivateKey: String?
    package var publicURL: String?
    package var publicModels = "no"
    package var openCodeModel: String?
    package var openCodeSmallModel: String?
    package var loginKeyDays = 365
    package var dataDirectory = "./weir-data"
    package var limits = Limits()
    package var journalSync = "interval"
    package var journalSyncMilliseconds = 5
    package var journalSegmentMebibytes = 64
    package var journalRetentionDays = 30
    package var ledgerRetentionMonths = 25
    package var digests = "none"
    package var promptCacheWatch = "no"
    package var requiredLabels: [String] = []
    package var logLevel = "info"
    package var eventLoops = 0
    package var providers: [Provider] = []
    package var routes: [Route] = []
    /// Prices that the configuration sets; they come before every other.
    package var prices: [PriceRow] = []
    /// Budgets and usage limits that the configuration declares.
    package var limitRules: [LimitRule] = []
    /// Where alerts go.
    package var alertSinks: [AlertSink] = []
    /// What is done about agents that run away.
    package var runaway = RunawayPolicy()

    package init() {}

    /// Host and port of `listen`; nil when it is neither `host:port` nor `[v6]:port`.
    package var listenAddress: (host: String, port: Int)? {
        guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(listen[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.isEmpty ? nil : (host, port)
    }
}

/// One fault of a configuration, where it stands, and what mends it.
package struct ConfigurationFault: Error, Sendable, Hashable, CustomStringConvertible {
    package var file: String
    /// From 1; 0 when the fault has no place in the file.
    package var line: Int
    package var column: Int
    package var message: String
    package var mend: String

    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return "\(place): \(message)\n  \(mend)"
    }
}

/// All faults of a configuration: each is told, not only the first.
package struct ConfigurationFaults: Error, Sendable {
    package var faults: [ConfigurationFault]
}
