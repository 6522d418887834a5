// DirectoryTests: workspaces, teams and the owners of keys; and the pepper's file.

import Foundation
import GatewayModel
import Identity
import Policy
import Storage
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct DirectoryTests {
    @Test func namesAreUnique() throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let directory = fixture.directory
        _ = try directory.createTeam("web")
        _ = try directory.createOwner(.developer, name: "maria", team: "web", email: "maria@acme.example")
        #expect(code { _ = try directory.createTeam("web") } == "team_exists")
        #expect(
            code { _ = try directory.createOwner(.developer, name: "maria", team: "web", email: nil) }
                == "developer_exists")
        #expect(try directory.owners(.developer).first?.email == "maria@acme.example")
    }

    @Test func whatTheJournalDoesNotTakeIsNotChanged() throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let directory = fixture.directory
        let made = try fixture.key()
        let rule = LimitRule(id: "month", name: "month", limit: 5, unit: .nanoUSD, window: .month)
        _ = try directory.createLimit(rule, declared: [], hasZone: { _ in true })
        let (told, keys) = (fixture.changes.all.count, try directory.keys().map(\.key))
        fixture.changes.fill(true)
        let id = made.key.key.id
        var wider = KeySpecification()
        wider.models = ["*"]
        let refused: [() throws -> Void] = [
            { _ = try directory.createTeam("ops") }, { _ = try directory.createWorkspace("other") },
            { _ = try directory.setTeam("web", disabled: true) }, { _ = try fixture.key() }, { _ = try directory.updateKey(id, wider) },
            { _ = try directory.rotateKey(id, overlapSeconds: 60) }, { _ = try directory.revokeKey(id) },
            { _ = try directory.setOwner(.developer, "maria", disabled: true) },
            { _ = try directory.removeLimit("month", declared: []) },
            { _ = try directory.grant(rule, group: [], amount: 7, expires: nil, by: "root", reason: "") },
            { _ = try directory.invite(developer: "maria", team: nil, email: nil, expires: nil) },
            { _ = try directory.setAlias(.project, name: "p", workspace: "default", repository: "github.com/acme/shop") },
        ]
        for (number, body) in refused.enumerated() { #expect(code(body) == "journal_unavailable", "\(number)") }
        #expect(try directory.keys().map(\.key) == keys && directory.teams().map(\.name) == ["web"])
        #expect(try directory.teams().allSatisfy { $0.disabled == nil } && directory.owners(.developer).allSatisfy { $0.disabled == nil })
        #expect(try directory.limitRules() == [rule] && directory.limitGrants().isEmpty && directory.aliases().isEmpty)
        #expect(try directory.invitations().isEmpty && directory.workspaces().count == 1)
        fixture.changes.fill(false)
        #expect(fixture.changes.all.count == told)
        _ = try directory.revokeKey(id)
        #expect(fixture.changes.all.count == told + 1)
    }

    @Test func aPolicyThatNoRecordHoldsIsRefused() throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let made = try fixture.key()
        var wide = KeySpecification()
        wide.models = (0..<1000).map { "\($0)" + String(repeating: "m", count: 100) }
        #expect(code { _ = try fixture.directory.updateKey(made.key.key.id, wide) } == "policy_too_large")
        // An older version took it: it can still be revoked, and its record fits.
        var stored = made.key
        stored.key.models = wide.models ?? []
        try fixture.store.save(fixture.directory.row(stored))
        #expect(try fixture.directory.revokeKey(made.key.key.id).key.revoked)
        let record = try #require(fixture.changes.all.last)
        #expect((record.before ?? "").utf8.count + (record.after ?? "").utf8.count < 10_000)
        #expect(record.after?.contains("1000 entries") == true)
    }

    @Test(arguments: ["", " a", "a ", "a\nb", "\u{7f}", String(repeating: "é", count: 51)])
    func aNameThatWouldConfuseATableIsRefused(_ name: String) throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let directory = fixture.directory
        #expect(code { _ = try directory.createTeam(name) } == "malformed_name")
        #expect(code { _ = try directory.createWorkspace(name) } == "malformed_name")
    }

    @Test func anOwnerNeedsATeamThatIsThere() throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let directory = fixture.directory
        #expect(
            code { _ = try directory.createOwner(.developer, name: "maria", team: "web", email: nil) }
                == "team_not_found")
        _ = try directory.createTeam("web")
        _ = try directory.setTeam("web", disabled: true)
        #expect(
            code { _ = try directory.createOwner(.developer, name: "maria", team: "web", email: nil) }
                == "team_not_found")
        #expect(code { _ = try directory.setTeam("nobody", disabled: true) } == "team_not_found")
        #expect(code { _ = try directory.setOwner(.developer, "nobody", disabled: true) } == "developer_not_found")
    }

    @Test func theDefaultWorkspaceIsThereBeforeAnybodyMakesOne() throws {
        let fixture = try DirectoryFixture()
        defer { withExtendedLifetime(fixture) {} }
        let directory = fixture.directory
        #expect(try directory.workspaces().map(\.name) == ["default"])
        _ = try directory.createWorkspace("lab")
        #expect(try directory.createTeam("physics", workspace: "lab").workspace == "lab")
        #expect(code { _ = try directory.createTeam("chemistry", workspace: "labs") } == "workspace_not_found")
    }
}

@Suite struct PepperTests {
    private func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("weir-pepper-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func itIsMadeOnceAndReadableByItsOwnerAlone() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let before = umask(0)
        defer { umask(before) }
        let made = try Pepper(directory: folder, random: SystemRandom())
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/pepper")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(made.bytes.count == 32)
        #expect(try Pepper(directory: folder, random: SystemRandom()).bytes == made.bytes)
    }

    @Test func aFileThatOthersMayReadIsRefusedWithTheMend() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try Pepper(directory: folder, random: SystemRandom())
        chmod("\(folder)/pepper", 0o640)
        let error = #expect(throws: PepperError.self) { try Pepper(directory: folder, random: SystemRandom()) }
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test func aDamagedFileIsRefusedAndNotReplaced() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("short".utf8).write(to: URL(fileURLWithPath: "\(folder)/pepper"))
        chmod("\(folder)/pepper", 0o600)
        #expect(throws: PepperError.self) { try Pepper(directory: folder, random: SystemRandom()) }
        #expect(FileManager.default.contents(atPath: "\(folder)/pepper") == Data("short".utf8))
    }
}
