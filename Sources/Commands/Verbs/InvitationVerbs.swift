// InvitationVerbs: `weir developer invite`, `invitations`, `uninvite`; `weir device`. A code goes to standard output once.

import AdminAPI
import ArgumentParser

extension DeveloperCommand {
    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Invite a developer: a code, shown this once, that gets them a key.",
            discussion: """
                weir developer invite maria --team web

                Who is new is made when the code is used. Send the developer one of the lines that are shown.
                """)
        @Argument(help: "The name that reports will show.") var name: String
        @Option(help: "The team; needed for somebody new.") var team: String?
        @Option(help: "The address.") var email: String?
        @Option(help: "When the code ends: 7d, 12h, or an RFC 3339 time; at most 90d.") var expires = "7d"
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let request = InvitationRequest(
                developer: name, team: team, email: email, expires: try momentText(expires, "--expires"))
            let made: InvitationCodeView = try await server.changing { try await $0.post("/invitations", request) }
            let gateway = made.gateway.isEmpty ? "https://YOUR-GATEWAY" : made.gateway
            let invitation = made.invitation
            standardError(
                """
                Invitation \(invitation.id) for \(invitation.developer), team \(invitation.team), until \
                \(shownTime(invitation.expires)) UTC. The code works once and is shown once. Send one of these lines:

                    weir login \(gateway) --invite \(made.code)
                    opencode auth login \(gateway)     and, when it asks, the code \(made.code)

                """)
            if made.gateway.isEmpty { standardError("Set public_url in weir.yaml to have the address filled in.") }
            try outputSecret(made.code + "\n", mend: "take it back and invite again: weir developer uninvite \(invitation.id)")
        }
    }

    struct Invitations: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All invitations, latest first.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<InvitationView> = try await server.reading { try await $0.get("/invitations") }
            var table = Table([
                Column("id"), Column("developer"), Column("team", priority: 1), Column("status"), Column("expires", priority: 2),
                Column("used", priority: 3), Column("email", priority: 4),
            ])
            for one in list.data {
                table.rows.append([
                    Cell(one.id), Cell(one.developer), Cell(one.team), Cell(one.status), Cell(shownTime(one.expires), exact: one.expires),
                    Cell(shownTime(one.used), exact: one.used ?? ""), Cell(one.email ?? ""),
                ])
            }
            try display.write(ListDocument(schema: "weir.invitation.list/1", data: list.data), table: table)
        }
    }

    struct Uninvite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take an invitation back that nobody has used.")
        @Argument(help: "The invitation's id.") var id: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let row: InvitationView = try await server.changing { try await $0.post("/invitations/\(segment(id))/revoke") }
            standardError("Invitation \(row.id) for \(row.developer) is revoked.")
        }
    }
}

struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "Logins that wait for an administrator: list, approve, deny.",
        discussion: """
            weir device approve WDJB-MJHT --developer maria

            The code is what the developer's terminal shows. Ask them for it; a code that a stranger sends you gets the stranger a key.
            """,
        subcommands: [List.self, Approve.self, Deny.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Logins of the last quarter of an hour. Their codes are not kept.")
        @OptionGroup var server: ServerOptions
        @OptionGroup var display: OutputOptions

        func run() async throws {
            let list: ListBody<DeviceView> = try await server.reading { try await $0.get("/devices") }
            var table = Table([
                Column("id"), Column("status"), Column("client"), Column("address", priority: 1), Column("developer"),
                Column("team", priority: 3), Column("decided_by", "DECIDED BY", priority: 2), Column("key_id", "KEY", priority: 4),
                Column("created", priority: 5),
            ])
            for one in list.data {
                table.rows.append([
                    Cell(one.id), Cell(one.status), Cell(one.client), Cell(one.address), Cell(one.developer ?? ""), Cell(one.team ?? ""),
                    Cell(one.decidedBy ?? ""), Cell(one.keyID ?? ""), Cell(shownTime(one.created), exact: one.created),
                ])
            }
            try display.write(ListDocument(schema: "weir.device.list/1", data: list.data), table: table)
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the device that shows this code have a key of a developer.")
        @Argument(help: "The code that the device shows.") var code: String
        @Option(help: "The developer whose key it gets.") var developer: String
        @Option(help: "The team; needed for somebody new.") var team: String?
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let request = DeviceRequest(code: code, developer: developer, team: team)
            let device: DeviceView = try await server.changing { try await $0.post("/devices/approve", request) }
            standardError("\(device.client) at \(device.address) gets a key of \(device.developer ?? ""), team \(device.team ?? "").")
        }
    }

    struct Deny: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a login that nobody should have begun.")
        @Argument(help: "The code that the device shows.") var code: String
        @OptionGroup var server: ServerOptions

        func run() async throws {
            let request = DeviceRequest(code: code)
            let device: DeviceView = try await server.changing { try await $0.post("/devices/deny", request) }
            standardError("The login of \(device.client) at \(device.address) is denied.")
        }
    }
}
