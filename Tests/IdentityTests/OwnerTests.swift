// OwnerTests: a name belongs to one developer or to one service account, and a key to its owner.

import GatewayModel
import Identity
import Storage
import Testing

@Suite struct OwnerTests {
    private func fixture() throws -> DirectoryFixture {
        let fixture = try DirectoryFixture()
        _ = try fixture.directory.createTeam("web")
        return fixture
    }

    private func login(_ fixture: DirectoryFixture) throws -> DeviceCodes {
        try #require(try fixture.directory.beginDevice(client: "opencode", peer: "192.0.2.1"))
    }

    // MARK: Names

    @Test func aServiceAccountCannotTakeADevelopersNameNorTheOtherWayRound() throws {
        let fixture = try fixture()
        let directory = fixture.directory
        _ = try directory.createOwner(.developer, name: "maria", team: "web", email: nil)
        _ = try directory.createOwner(.serviceAccount, name: "ci", team: "web", email: nil)
        let asAccount = #expect(throws: IdentityError.self) {
            try directory.createOwner(.serviceAccount, name: "maria", team: "web", email: nil)
        }
        #expect(asAccount?.kind == .conflict && asAccount?.code == "developer_exists")
        let asDeveloper = #expect(throws: IdentityError.self) {
            try directory.createOwner(.developer, name: "ci", team: "web", email: nil)
        }
        #expect(asDeveloper?.kind == .conflict && asDeveloper?.code == "service_account_exists")
        #expect(try directory.owners(.developer).map(\.name) == ["maria"] && directory.owners(.serviceAccount).map(\.name) == ["ci"])
    }

    @Test func aKeyThatMakesItsOwnerCannotTakeTheOtherKindsNameAndLeavesNoTeamBehind() throws {
        let fixture = try DirectoryFixture()
        _ = try fixture.key()
        #expect(
            code {
                _ = try fixture.key {
                    $0.developer = nil
                    $0.serviceAccount = "maria"
                    $0.team = "robots"
                }
            } == "developer_exists")
        #expect(try fixture.directory.teams().map(\.name) == ["web"] && fixture.directory.keys().count == 1)
        _ = try fixture.key {
            $0.developer = nil
            $0.serviceAccount = "ci"
        }
        #expect(code { _ = try fixture.key { $0.developer = "ci" } } == "service_account_exists")
    }

    @Test func aLoginCannotMakeADeveloperOutOfAServiceAccount() throws {
        let fixture = try fixture()
        let directory = fixture.directory
        let (invited, _) = try directory.invite(developer: "nightly", team: "web", email: nil, expires: nil)
        _ = try directory.createOwner(.serviceAccount, name: "nightly", team: "web", email: nil)
        #expect(code { _ = try directory.invite(developer: "nightly", team: "web", email: nil, expires: nil) } == "service_account_exists")
        // The invitation of before opens nothing any more.
        let grant = try #require(try directory.pendingDevice(login(fixture).userCode))
        #expect(try directory.approveDevice(grant, invitation: invited) == nil)
        let codes = try login(fixture)
        #expect(
            code { _ = try directory.approveDevice(userCode: codes.userCode, developer: "nightly", team: "web") }
                == "service_account_exists")
        #expect(try directory.owners(.developer).isEmpty)
    }

    @Test func whatTwoOfOneNameHadBeforeGoesOn() throws {
        let fixture = try fixture()
        // As older versions let them be.
        for kind in OwnerKind.allCases {
            let owner = OwnerRow(
                id: "own_\(kind.rawValue)", workspace: "default", team: "web", name: "maria", created: "2026-11-24T12:00:00Z")
            try fixture.store.insert(kind, owner)
        }
        #expect(try fixture.key().key.key.principal.developer == "maria")
        let (invited, _) = try fixture.directory.invite(developer: "maria", team: nil, email: nil, expires: nil)
        let grant = try #require(try fixture.directory.pendingDevice(login(fixture).userCode))
        #expect(try fixture.directory.approveDevice(grant, invitation: invited)?.developer == "maria")
    }

    // MARK: Keys

    @Test func aKeyKeepsItsOwnerAndItsTeamAndSaysSo() throws {
        let fixture = try DirectoryFixture()
        let id = try fixture.key().key.key.id
        _ = try fixture.directory.createTeam("data")
        let before = fixture.changes.all.count
        let changes: [(inout KeySpecification) -> Void] = [
            { $0.team = "data" }, { $0.developer = "jon" }, { $0.serviceAccount = "ci" }, { $0.serviceAccount = "maria" },
        ]
        for change in changes {
            var specification = KeySpecification()
            specification.models = ["o3"]
            change(&specification)
            let error = #expect(throws: IdentityError.self) { try fixture.directory.updateKey(id, specification) }
            #expect(error?.kind == .invalid && error?.code == "key_keeps_owner" && error?.mend.contains("weir key create") == true)
        }
        #expect(fixture.changes.all.count == before)
        let key = try fixture.directory.key(id).key
        #expect(key.principal.team == "web" && key.principal.developer == "maria" && key.models.isEmpty)
    }

    @Test func aKeysOwnOwnerMayBeSentAgain() throws {
        let fixture = try DirectoryFixture()
        let id = try fixture.key().key.key.id
        var specification = KeySpecification()
        specification.developer = "maria"
        specification.team = "web"
        specification.models = ["o3"]
        #expect(try fixture.directory.updateKey(id, specification).key.models == ["o3"])
    }
}
