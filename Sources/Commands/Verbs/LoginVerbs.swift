// LoginVerbs: `weir login`, `weir logout`: a developer's own key, fetched and kept. They need no data folder and no administrator's
// rights, only a gateway's address.

import ArgumentParser
import Foundation

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Get a key from a gateway and keep it for this user.",
        discussion: """
            weir login https://weir.acme.example                    shows a code, waits for its approval
            weir login https://weir.acme.example --invite CODE      needs nobody else

            The key is kept in ~/.config/weir (XDG_CONFIG_HOME is honoured), readable by you alone.
            """)
    @Argument(help: "The gateway's address; the current one when left out.") var url: String?
    @Option(help: ArgumentHelp("A one-time invitation code.", valueName: "code")) var invite: String?
    @Flag(help: "Write the key to standard output too.") var printKey = false

    func run() async throws {
        let folder = try UserFolder()
        // What cannot be kept should not be made.
        let known = try folder.credentials()
        guard let address = try url.map(gatewayOrigin) ?? known.current else {
            throw ValidationError("name the gateway: weir login https://weir.acme.example")
        }
        try folder.create()
        if sendsKeyInClear(address) {
            standardError("Warning: \(address) is not https: whoever is on the way can read the key.")
        }
        let login = DeviceLogin(origin: address)
        let codes = try await login.begin()
        if let invite {
            try await login.approve(codes, invitation: invite)
        } else {
            standardError(
                """
                To log in to \(address), open:
                    \(inert(codes.verificationURIComplete ?? codes.verificationURI))
                Check that it shows the code \(inert(codes.userCode)), and enter your invitation there, or tell the code to an administrator.
                """)
        }
        let token = try await login.key(codes, asksAtOnce: invite != nil)
        try folder.updateCredentials {
            $0.gateways[address] = GatewayCredential(
                key: token.key, keyID: token.keyID, developer: token.developer, team: token.team, created: token.created)
            $0.current = address
        }
        standardError("Logged in to \(address) as \(inert(token.developer)), team \(inert(token.team)), with key \(inert(token.keyID)).")
        if printKey { try output(token.key + "\n") }
    }
}

struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revoke this user's key at a gateway and forget it.")
    @Argument(help: "The gateway's address; the current one when left out.") var url: String?
    @Flag(help: "Forget the key and leave it valid.") var keepKey = false

    func run() async throws {
        let folder = try UserFolder()
        let known = try folder.credentials()
        guard let address = try url.map(gatewayOrigin) ?? known.current, let credential = known.gateways[address] else {
            throw CommandFailure("not_logged_in", "there is no login to forget", mend: "weir login URL makes one")
        }
        var state = "Its key \(credential.keyID) stays valid."
        if !keepKey {
            do {
                let isRevoked = try await DeviceLogin(origin: address).revoke(credential.key)
                state = "Its key \(credential.keyID) \(isRevoked ? "is revoked." : "was no longer accepted.")"
            } catch let failure as CommandFailure {
                state = "Its key \(credential.keyID) could not be revoked (\(failure.message)). An administrator can: weir key revoke."
            }
        }
        try folder.updateCredentials {
            $0.gateways[address] = nil
            if $0.current == address { $0.current = $0.gateways.keys.sorted().first }
        }
        standardError("Logged out of \(address). \(state)")
    }
}
