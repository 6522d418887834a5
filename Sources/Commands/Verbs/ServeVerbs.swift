// ServeVerbs: `weir serve`, `weir init`, `weir config`.

import ArgumentParser
import Foundation
import GatewayModel
import Identity
import ServerConfiguration
import Storage

#if canImport(Glibc)
    import Glibc
#endif

/// Where settings come from.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", discussion: "WEIR_CONFIG sets it too.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("The data folder.", discussion: "WEIR_DATA sets it too.", valueName: "dir"))
    var data: String?
    @Option(help: ArgumentHelp("The gateway's address.", valueName: "host:port"))
    var listen: String?

    var path: String? { config ?? ProcessInfo.processInfo.environment["WEIR_CONFIG"] }

    /// Flags over environment over file over defaults.
    func settings() throws -> GatewaySettings {
        var settings = try ConfigurationReader.read(path: path, environment: ProcessInfo.processInfo.environment)
        if let data { settings.dataDirectory = data }
        if let listen { settings.listen = listen }
        guard settings.listenAddress != nil else {
            throw CommandFailure("bad_address", "\"\(settings.listen)\" is no address", mend: "give HOST:PORT, as in 127.0.0.1:8787")
        }
        return settings
    }
}

/// Reads a configuration; its faults go to standard error, each with its mend, and the exit code is 1.
func readOrTellFaults(_ path: String?) throws -> GatewaySettings {
    do throws(ConfigurationFaults) {
        return try ConfigurationReader.read(path: path, environment: ProcessInfo.processInfo.environment)
    } catch {
        for fault in error.faults { standardError(fault.description) }
        throw ExitCode(1)
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            weir serve
            weir serve --config weir.yaml --data /var/lib/weir
            """)
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let options = options
        let watched = options.path.map(WatchedFile.init)
        try await runServer(settings: options.settings(), watched: watched, reload: { try options.settings() })
    }
}

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a data folder and its first key, whose secret is printed this once.")
    @OptionGroup var server: ServerOptions
    @Option(help: ArgumentHelp("Write a commented configuration file here too.", valueName: "file"))
    var config: String?
    @Flag(help: "Make a development certificate in the data folder, for TLS on this machine.") var tls = false
    @Option(help: ArgumentHelp("A further host name or address in it; repeat for more.", valueName: "name")) var tlsName: [String] = []

    func run() async throws {
        let folder = server.folder
        if isListening(folder.socket) {
            throw CommandFailure(
                "already_running", "a server works in \(folder.path)", mend: "make keys with: weir key create --data \(folder.path)")
        }
        // Before the key is made: its secret is shown once, so nothing may fail between the two.
        if let config, FileManager.default.fileExists(atPath: config) {
            throw CommandFailure("file_exists", "\(config) exists already", mend: "name another file")
        }
        let files = CertificateFiles(folder: folder.path)
        if tls { try files.check() }
        let mask = try folder.create()
        try folder.lock()
        if tls { try files.write(names: tlsName, now: SystemClock().now()) }
        let databases = try openDatabases(folder)
        let directory = Directory(
            store: ControlStore(databases.control), pepper: try Pepper(directory: folder.path, random: SystemRandom()),
            clock: SystemClock(), random: SystemRandom(), changed: { _, _, _, _ in })
        guard let made = try makeFirstKey(directory) else {
            throw CommandFailure(
                "already_initialised", "\(folder.path) has keys already", mend: "list them: weir key list --data \(folder.path)")
        }
        standardError("Data folder \(folder.path) is ready. First virtual key, for developer \"\(made.owner)\" (shown once):")
        try outputSecret(made.secret + "\n", mend: "start the server and give the key another: weir key list, weir key rotate KEY")
        if let config {
            // It holds no secret, and the server may be another user: unlike the folder, it gets the mode that files usually have.
            umask(mask)
            let text = tls ? exampleConfiguration(with: files) : exampleConfiguration
            try Data(text.utf8).write(to: URL(fileURLWithPath: config))
            standardError("Wrote \(config).")
        }
        if tls {
            standardError("Development certificate: \(files.certificate). Clients trust it by \(files.authority), for example:")
            for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"] { standardError("  export \(name)=\(files.authority)") }
            if config == nil {
                standardError("  export WEIR_TLS_CERTIFICATE=\(files.certificate) WEIR_TLS_PRIVATE_KEY=\(files.privateKey)")
            }
        }
        standardError("Next: weir serve --data \(folder.path)")
    }
}

/// The example with the certificate in force.
private func exampleConfiguration(with files: CertificateFiles) -> String {
    let settings = "tls:\n  certificate: \(files.certificate)\n  private_key: \(files.privateKey)\n"
    let commented = "# tls:\n#   certificate: /etc/weir/tls.crt\n#   private_key: /etc/weir/tls.key\n"
    return exampleConfiguration.replacingOccurrences(of: commented, with: settings)
}

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "The configuration: check, show.", subcommands: [Check.self, Show.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Name each fault with its file, line and mend.")
        @Argument(help: "The file; without it, the environment is checked.") var file: String?

        func run() async throws {
            let path = file ?? ProcessInfo.processInfo.environment["WEIR_CONFIG"]
            let settings = try readOrTellFaults(path)
            let names = settings.providers.map(\.name).joined(separator: ", ")
            try output("ok: \(settings.providers.count) providers\(names.isEmpty ? "" : " (\(names))")\n")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What is in force, secrets left out.")
        @OptionGroup var options: ConfigurationOptions

        func run() async throws { try output(ConfigurationReference.inForce(options.settings())) }
    }
}
