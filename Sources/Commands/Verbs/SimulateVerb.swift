// SimulateVerb: `weir simulate`: the simulated provider as a process of its own.

import ArgumentParser
import Simulation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Run a simulated model provider: scripted sessions, no model, no account.",
        discussion: """
            weir simulate --listen 127.0.0.1:8899
            Faults: header x-sim-fault, or PUT /_sim/fault?fault=status:503&count=2
            """)
    @Option(help: ArgumentHelp("Its address.", valueName: "host:port")) var listen = "127.0.0.1:8899"
    @Option(help: ArgumentHelp("Keep an account of what was served in this file.", valueName: "file")) var log: String?
    @Option(help: "Milliseconds between two events of a stream.") var paceMs = 0
    @Option(help: ArgumentHelp("PEM file of a certificate, to serve TLS.", valueName: "file")) var tlsCertificate: String?
    @Option(help: ArgumentHelp("PEM file of its private key.", valueName: "file")) var tlsPrivateKey: String?

    func run() async throws {
        var options = SimulationOptions()
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw ValidationError("--listen takes HOST:PORT") }
        options.host = String(parts[0])
        options.port = port
        options.logPath = log
        options.paceMilliseconds = paceMs
        options.certificate = tlsCertificate
        options.privateKey = tlsPrivateKey
        let provider: SimulatedProvider
        do {
            provider = try await SimulatedProvider.start(options)
        } catch {
            throw CommandFailure("cannot_simulate", "\(error)", mend: "choose another --listen or --log")
        }
        standardError("Simulated provider on \(tlsCertificate == nil ? "http" : "https")://\(options.host):\(provider.port)")
        try await provider.wait()
    }
}
