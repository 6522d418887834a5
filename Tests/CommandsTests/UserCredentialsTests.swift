// UserCredentialsTests: the developer's own files: where they lie, who may read them, and that they change whole.

import Commands
import Foundation
import Testing

@Suite struct UserCredentialsTests {
    private let root = NSTemporaryDirectory() + "weir-user-\(UUID().uuidString)"
    private var folder: UserFolder { UserFolder(path: "\(root)/weir") }

    private func credential(_ name: String) -> GatewayCredential {
        GatewayCredential(
            key: "weir_k_\(name)", keyID: name, developer: "maria", team: "web", created: "2026-11-24T00:00:00Z")
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func theFolderIsWhereTheEnvironmentSays() throws {
        #expect(try UserFolder(environment: ["HOME": "/home/m"]).path == "/home/m/.config/weir")
        #expect(try UserFolder(environment: ["HOME": "/home/m", "XDG_CONFIG_HOME": "/x"]).path == "/x/weir")
        #expect(try UserFolder(environment: ["HOME": "/home/m", "XDG_CONFIG_HOME": "x"]).path == "/home/m/.config/weir")
        #expect(throws: CommandFailure.self) { try UserFolder(environment: [:]) }
    }

    @Test func aKeyIsStoredForItsOwnerAloneAndReadBack() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(try folder.credentials() == UserCredentials())
        try folder.updateCredentials {
            $0.gateways["https://gw.example"] = credential("one")
            $0.current = "https://gw.example"
        }
        #expect(try folder.credentials().currentCredential == credential("one"))
        #expect(try String(contentsOfFile: folder.keyFile, encoding: .utf8) == "weir_k_one\n")
        #expect(try mode(folder.path) == 0o700 && mode(folder.credentialsFile) == 0o600 && mode(folder.keyFile) == 0o600)
        let text = try String(contentsOfFile: folder.credentialsFile, encoding: .utf8)
        #expect(text.contains(#""key_id" : "one""#) && text.contains(#""current" : "https://gw.example""#))
        // Logging out of the current gateway takes the key file along, and leaves no half-written file.
        try folder.updateCredentials { $0.gateways = [:] }
        #expect(try folder.credentials() == UserCredentials())
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["credentials.json", "lock"])
    }

    @Test func aFileThatOthersCanReadIsRefusedWithItsMend() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try folder.updateCredentials { $0.gateways["https://gw.example"] = credential("one") }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.credentialsFile)
        let failure = #expect(throws: CommandFailure.self) { try folder.credentials() }
        #expect(failure?.mend == "run: chmod 600 \(folder.credentialsFile)")
        #expect(throws: CommandFailure.self) { try folder.updateCredentials { _ in } }
    }

    @Test func aDamagedFileIsNotOverwritten() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try folder.write("credentials.json", Data("{".utf8), mode: 0o600)
        #expect(throws: CommandFailure.self) { try folder.updateCredentials { _ in } }
        #expect(try String(contentsOfFile: folder.credentialsFile, encoding: .utf8) == "{")
    }

    @Test(arguments: [
        ("https://gw.example/", "https://gw.example"), ("GW.example", "https://gw.example"), ("http://gw:80", "http://gw"),
        ("https://gw.example:8443/v1", "https://gw.example:8443"), ("localhost:8787", "http://localhost:8787"),
        ("https://[::1]:9/", "https://[::1]:9"),
    ])
    func anOriginHasOneSpelling(typed: String, kept: String) throws { #expect(try gatewayOrigin(typed) == kept) }

    @Test(arguments: ["", "ftp://gw", "https://u@gw", "https://gw/x", "https://gw?x", "https://g w", "https://gw$(id)"])
    func whatIsNoOriginIsRefused(typed: String) { #expect(throws: CommandFailure.self) { try gatewayOrigin(typed) } }

    @Test func aKeyInClearIsTold() {
        #expect(sendsKeyInClear("http://gw.example") && sendsKeyInClear("http://localhost.evil:80"))
        #expect(sendsKeyInClear("http://127.evil.example"))
        #expect(!sendsKeyInClear("http://localhost:8787") && !sendsKeyInClear("http://127.0.0.1:1") && !sendsKeyInClear("https://gw"))
    }
}
