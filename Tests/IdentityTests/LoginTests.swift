// LoginTests: a login from its codes to its key: once, in time, with a bound on guesses, and with no code in store or journal.

import Foundation
import GatewayModel
import Identity
import Storage
import Testing

@Suite struct LoginTests {
    private func fixture() throws -> DirectoryFixture {
        let fixture = try DirectoryFixture()
        _ = try fixture.directory.createTeam("web")
        return fixture
    }

    private func begin(_ fixture: DirectoryFixture) throws -> DeviceCodes {
        try #require(try fixture.directory.beginDevice(client: "opencode", peer: "192.0.2.1"))
    }

    private func outcome(_ fixture: DirectoryFixture, _ code: String) throws -> String {
        switch try fixture.directory.redeemDevice(code, keyDays: 365) {
        case .pending: "pending"
        case .denied: "denied"
        case .expired: "expired"
        case .unknown: "unknown"
        case .key(let text, let key): "\(key.key.principal.developer ?? "") \(key.key.principal.team) \(text.prefix(7))"
        }
    }

    @Test func anInvitationApprovesALoginAndTheDeviceFetchesItsKeyOnce() throws {
        let fixture = try fixture()
        let (code, invitation) = try fixture.directory.invite(developer: "maria", team: "web", email: "m@acme.example", expires: nil)
        #expect(invitation.expires == "2026-12-01T12:00:00.000000Z")
        let codes = try begin(fixture)
        #expect(codes.userCode.wholeMatch(of: /[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}/) != nil)
        #expect(try outcome(fixture, codes.deviceCode) == "pending")
        // As a person types it.
        let typed = codes.userCode.lowercased().replacingOccurrences(of: "-", with: " ")
        let grant = try #require(try fixture.directory.pendingDevice(typed))
        #expect(try fixture.directory.approveDevice(grant, invitation: " \(code.uppercased()) ")?.developer == "maria")
        #expect(try fixture.directory.owners(.developer).map(\.email) == ["m@acme.example"])
        #expect(try outcome(fixture, codes.deviceCode) == "maria web weir_k_")
        #expect(try outcome(fixture, codes.deviceCode) == "unknown", "a replayed device code is worth nothing")
        let key = try #require(try fixture.directory.keys().first)
        #expect(key.name == "login from opencode" && key.key.expires?.rfc3339 == "2027-11-24T12:00:00.000000Z")
        // A used invitation opens nothing more.
        let second = try begin(fixture)
        let waiting = try #require(try fixture.directory.pendingDevice(second.userCode))
        #expect(try fixture.directory.approveDevice(waiting, invitation: code) == nil)
        #expect(
            fixture.changes.all.map(\.entity) == [
                "team", "invitation", "developer", "device_grant", "invitation", "virtual_key", "device_grant",
            ])
    }

    @Test func noCodeStandsInTheStoreOrTheJournal() throws {
        let fixture = try fixture()
        let (code, _) = try fixture.directory.invite(developer: "maria", team: "web", email: nil, expires: nil)
        let codes = try begin(fixture)
        let grant = try #require(try fixture.directory.pendingDevice(codes.userCode))
        _ = try fixture.directory.approveDevice(grant, invitation: code)
        guard case .key(let text, _) = try fixture.directory.redeemDevice(codes.deviceCode, keyDays: 1) else {
            Issue.record("there is no key")
            return
        }
        let journal = fixture.changes.all.map { "\($0.before ?? "")\($0.after ?? "")" }.joined()
        let store = try fixture.stored()
        for secret in [code, codes.deviceCode, codes.userCode, String(text.suffix(49))] {
            #expect(!journal.contains(secret) && store.range(of: Data(secret.utf8)) == nil)
        }
        #expect(!journal.contains(grant.deviceMAC) && !journal.contains(grant.userMAC))
    }

    @Test func aLoginRunsOutAfterAQuarterOfAnHour() throws {
        let fixture = try fixture()
        let codes = try begin(fixture)
        fixture.clock.advance(seconds: 15 * 60 - 1)
        #expect(try outcome(fixture, codes.deviceCode) == "pending")
        let grant = try #require(try fixture.directory.pendingDevice(codes.userCode))
        fixture.clock.advance(seconds: 1)
        #expect(try outcome(fixture, codes.deviceCode) == "expired")
        #expect(try fixture.directory.pendingDevice(codes.userCode) == nil && fixture.directory.deviceGrants().isEmpty)
        #expect(
            code { _ = try fixture.directory.approveDevice(userCode: codes.userCode, developer: "jon", team: "web") } == "login_not_found")
        // Approved in time and fetched too late.
        let late = try begin(fixture)
        _ = try fixture.directory.approveDevice(userCode: late.userCode, developer: "jon", team: "web")
        fixture.clock.advance(seconds: 15 * 60)
        #expect(try outcome(fixture, late.deviceCode) == "expired")
        // After a day it is forgotten.
        fixture.clock.advance(seconds: 86_400)
        _ = try begin(fixture)
        #expect(try fixture.store.deviceGrant(deviceMAC: grant.deviceMAC) == nil)
    }

    @Test func fiveWrongInvitationsEndALogin() throws {
        let fixture = try fixture()
        let (good, _) = try fixture.directory.invite(developer: "maria", team: "web", email: nil, expires: nil)
        let codes = try begin(fixture)
        let grant = try #require(try fixture.directory.pendingDevice(codes.userCode))
        for guess in ["", "weir-aaaaa-aaaaa-aaaaa-aaaaa-aaaaa", String(repeating: "x", count: 1000), "weir-", good + "x"] {
            #expect(try fixture.directory.approveDevice(grant, invitation: guess) == nil)
        }
        #expect(try outcome(fixture, codes.deviceCode) == "denied")
        #expect(try fixture.directory.pendingDevice(codes.userCode) == nil)
        #expect(try fixture.directory.approveDevice(grant, invitation: good) == nil, "the right one comes too late")
        #expect(try fixture.directory.invitations().first?.used == nil, "and is not used up by it")
    }

    @Test func anInvitationThatIsOverOpensNothing() throws {
        let fixture = try fixture()
        let soon = fixture.clock.now().adding(seconds: 60)
        let (expired, _) = try fixture.directory.invite(developer: "maria", team: "web", email: nil, expires: soon)
        let (revoked, row) = try fixture.directory.invite(developer: "maria", team: "web", email: nil, expires: nil)
        _ = try fixture.directory.revokeInvitation(row.id)
        _ = try fixture.directory.createOwner(.developer, name: "jon", team: "web", email: nil)
        let (shutOut, _) = try fixture.directory.invite(developer: "jon", team: nil, email: nil, expires: nil)
        _ = try fixture.directory.setOwner(.developer, "jon", disabled: true)
        fixture.clock.advance(seconds: 60)
        let grant = try #require(try fixture.directory.pendingDevice(begin(fixture).userCode))
        for code in [expired, revoked, shutOut] {
            #expect(try fixture.directory.approveDevice(grant, invitation: code) == nil)
        }
        #expect(code { _ = try fixture.directory.revokeInvitation(row.id) } == "invitation_used")
        #expect(code { _ = try fixture.directory.invite(developer: "jon", team: nil, email: nil, expires: nil) } == "developer_disabled")
        #expect(code { _ = try fixture.directory.invite(developer: "eve", team: nil, email: nil, expires: nil) } == "missing_team")
        #expect(code { _ = try fixture.directory.invite(developer: "eve", team: "ops", email: nil, expires: nil) } == "team_not_found")
        let never = fixture.clock.now().adding(seconds: 91 * 86_400)
        #expect(code { _ = try fixture.directory.invite(developer: "eve", team: "web", email: nil, expires: never) } == "malformed_expiry")
    }

    @Test func anAdministratorApprovesOrDenies() throws {
        let fixture = try fixture()
        let (mine, strange) = (try begin(fixture), try begin(fixture))
        #expect(try fixture.directory.deviceGrants().count == 2)
        _ = try fixture.directory.approveDevice(userCode: mine.userCode, developer: "jon", team: "web")
        #expect(code { _ = try fixture.directory.approveDevice(userCode: mine.userCode, developer: "jon", team: nil) } == "login_not_found")
        #expect(
            code { _ = try fixture.directory.approveDevice(userCode: strange.userCode, developer: "eve", team: nil) }
                == "developer_not_found")
        _ = try fixture.directory.denyDevice(userCode: strange.userCode)
        #expect(try outcome(fixture, mine.deviceCode) == "jon web weir_k_")
        #expect(try outcome(fixture, strange.deviceCode) == "denied")
        #expect(try fixture.directory.deviceGrants().map(\.decidedBy) == ["administrator", "administrator"])
        // Who is disabled between approval and fetching gets no key.
        let late = try begin(fixture)
        _ = try fixture.directory.approveDevice(userCode: late.userCode, developer: "jon", team: nil)
        _ = try fixture.directory.setOwner(.developer, "jon", disabled: true)
        #expect(throws: IdentityError.self) { try outcome(fixture, late.deviceCode) }
    }

    @Test func onlySoManyLoginsWait() throws {
        let fixture = try fixture()
        for _ in 0..<Directory.pendingDevicesOfPeerMax { _ = try begin(fixture) }
        #expect(try fixture.directory.beginDevice(client: "x", peer: "192.0.2.1") == nil)
        #expect(try fixture.directory.beginDevice(client: "a b\u{1b}[31m", peer: "192.0.2.2")?.grant.client == "a-b-[31m")
        fixture.clock.advance(seconds: 15 * 60)
        #expect(try fixture.directory.beginDevice(client: "x", peer: "192.0.2.1") != nil)
    }
}
