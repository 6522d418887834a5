// DoctorVerb: `weir doctor`: what is wrong with this installation, each finding with its mend.

import AdminAPI
import ArgumentParser
import Foundation
import GatewayModel
import Journal
import ServerConfiguration

#if canImport(Glibc)
    import Glibc
#endif

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at configuration, data folder, server and providers. Exit code 1 when something is wrong.")
    @Option(help: "Look at a coding agent's configuration instead: does all of its traffic go through the gateway?") var client: String?
    @Option(help: "With --client: the gateway's address; else the one of `weir login`.") var gateway: String?
    @Option(help: ArgumentHelp("In front of paths of the whole machine.", visibility: .hidden)) var systemRoot: String?
    @OptionGroup var options: ConfigurationOptions

    private struct Finding {
        var isFine: Bool
        var text: String
        var mend: String?
    }

    func run() async throws {
        if let client { return try examineClient(client, gateway: gateway, systemRoot: systemRoot) }
        var findings: [Finding] = []
        let settings: GatewaySettings
        do {
            settings = try options.settings()
            findings.append(Finding(isFine: true, text: "configuration: \(options.path ?? "environment")"))
        } catch let faults as ConfigurationFaults {
            for fault in faults.faults { try output("!!  \(fault)\n") }
            throw ExitCode(1)
        }
        let folder = DataFolder(settings.dataDirectory)
        findings += folderFindings(folder)
        findings += await serverFindings(folder)
        if settings.providers.isEmpty { findings.append(await finding(ofNoProviderIn: folder)) }
        for provider in settings.providers {
            let reaches = await canConnect(provider.origin.host, provider.origin.port)
            let answer = reaches ? "answers" : "does not answer"
            findings.append(
                Finding(
                    isFine: reaches,
                    text: "provider \(provider.name): \(provider.origin.host):\(provider.origin.port) \(answer)",
                    mend: reaches ? nil : "check the address, the network and the firewall"))
        }
        for finding in findings {
            try output("\(finding.isFine ? "ok" : "!!")  \(finding.text)\n")
            if let mend = finding.mend { try output("      \(mend)\n") }
        }
        if findings.contains(where: { !$0.isFine }) { throw ExitCode(1) }
    }

    private func folderFindings(_ folder: DataFolder) -> [Finding] {
        guard folder.exists else {
            return [Finding(isFine: true, text: "data folder \(folder.path): not made yet; weir serve makes it")]
        }
        var findings: [Finding] = []
        let attributes = (try? FileManager.default.attributesOfItem(atPath: folder.path)) ?? [:]
        if let mode = attributes[.posixPermissions] as? Int, mode & 0o077 != 0 {
            findings.append(
                Finding(isFine: false, text: "data folder \(folder.path) is open to others", mend: "chmod 700 \(folder.path)"))
        } else {
            findings.append(Finding(isFine: true, text: "data folder \(folder.path)"))
        }
        if let disk = try? FileManager.default.attributesOfFileSystem(forPath: folder.path),
            let bytes = disk[.systemFreeSize] as? Int64
        {
            let free = bytes / (1 << 20)
            findings.append(
                Finding(
                    isFine: free >= 1024, text: "\(free) MiB free in \(folder.path)",
                    mend: free >= 1024 ? nil : "give it room: a full disk stops admission"))
        }
        return findings
    }

    /// A server may run with another configuration than was looked at here.
    private func finding(ofNoProviderIn folder: DataFolder) async -> Finding {
        if isListening(folder.socket), let list: ListBody<ProviderView> = try? await AdminClient(socket: folder.socket).get("/providers"),
            !list.data.isEmpty
        {
            return Finding(
                isFine: true, text: "the server has providers of its own configuration: \(list.data.map(\.name).joined(separator: ", "))",
                mend: "name it to have them looked at: weir doctor --config FILE")
        }
        return Finding(
            isFine: false, text: "no provider is configured",
            mend: "set OPENAI_API_KEY or ANTHROPIC_API_KEY, or list providers in weir.yaml")
    }

    private func serverFindings(_ folder: DataFolder) async -> [Finding] {
        guard isListening(folder.socket) else {
            return [Finding(isFine: true, text: "no server works in \(folder.path)")]
        }
        let client = AdminClient(socket: folder.socket)
        guard let status: StatusView = try? await client.get("/status") else {
            return [Finding(isFine: false, text: "the server does not answer", mend: "see its log")]
        }
        let running = "\(status.activeRequests) requests running"
        var findings = [Finding(isFine: true, text: "server \(status.version) on \(status.listen), \(running)")]
        findings.append(
            Finding(
                isFine: status.journalAvailable,
                text: status.journalAvailable ? "journal takes records" : "journal failed: \(status.journalFailure ?? "")",
                mend: status.journalAvailable ? nil : "free disk space or mend the disk, then restart"))
        for boot in JournalReader.boots(in: folder.journal) where JournalReader.isDamaged("\(folder.journal)/\(boot)") {
            findings.append(
                Finding(
                    isFine: false, text: "the disk has damaged records of the journal in \(folder.journal)/\(boot)",
                    mend: "what is missing: weir journal inspect --boot \(boot); put the segments back from a backup"))
        }
        let behind = status.journalSequence - status.ledgerSequence
        findings.append(
            Finding(
                isFine: status.ledgerFailure == nil,
                text: status.ledgerFailure.map { "the ledger cannot be written, \(behind) records behind: \($0)" }
                    ?? "ledger takes records",
                mend: status.ledgerFailure == nil
                    ? nil : "nothing is lost: free the file, or stop the server, move ledger.db away and start: it is made again"))
        if let unpriced: ListBody<UnpricedView> = try? await client.get("/prices/unpriced"), !unpriced.data.isEmpty {
            findings.append(
                Finding(
                    isFine: false, text: "\(unpriced.data.reduce(0) { $0 + $1.turns }) turns have no price", mend: "weir price unpriced"))
        }
        return findings
    }

    /// Whether a TCP connection can be made within three seconds.
    private func canConnect(_ host: String, _ port: Int) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: connects(host, port)) }
        }
    }
}

private func connects(_ host: String, _ port: Int) -> Bool {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return false }
    defer { freeaddrinfo(list) }
    var next = list
    while let entry = next?.pointee {
        next = entry.ai_next
        let descriptor = socket(entry.ai_family, entry.ai_socktype, entry.ai_protocol)
        guard descriptor >= 0 else { continue }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return true }
    }
    return false
}
