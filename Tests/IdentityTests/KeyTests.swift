// KeyTests: a key's life: made, changed, rotated, revoked, expired; and what of it is stored.

import Foundation
import GatewayModel
import Identity
import Policy
import Storage
import Testing

@Suite struct KeyTests {
    private func token(_ text: String) throws -> KeyToken {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBytes { bytes throws(GatewayError) in try KeyToken.parse(bytes) }
    }

    /// Whether the hot path would let this text in, as it compares MACs.
    private func isAccepted(_ text: String, _ fixture: DirectoryFixture) throws -> Bool {
        let token = try token(text)
        guard let key = try fixture.directory.keysByID()[token.keyID], !key.revoked else { return false }
        let now = fixture.clock.now()
        if let expires = key.expires, expires <= now { return false }
        let mac = fixture.directory.pepper.mac(keyID: token.keyID, secret: token.secret)
        return key.secrets.contains { $0.mac == mac && $0.validUntil.map { now < $0 } ?? true }
    }

    @Test func aNewKeyIsAcceptedAndItsSecretIsStoredNowhere() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key()
        #expect(try isAccepted(made.text, fixture))
        let secret = try token(made.text).secret
        let stored = try fixture.stored()
        #expect(stored.range(of: Data(secret)) == nil)
        #expect(stored.range(of: Data(made.text.utf8)) == nil)
        #expect(stored.range(of: Data(fixture.directory.pepper.bytes)) == nil)
        #expect(fixture.changes.all.allSatisfy { !"\($0)".contains(made.text.suffix(40)) })
    }

    @Test func aKeyOfAServiceAccountSaysSo() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key {
            $0.developer = nil
            $0.serviceAccount = "ci"
        }
        #expect(made.text.hasPrefix("weir_s_"))
        #expect(made.key.key.principal.serviceAccount == "ci" && made.key.key.principal.developer == nil)
        #expect(try fixture.key().text.hasPrefix("weir_k_"))
    }

    @Test func theFirstKeyMakesItsTeamAndDeveloperAndEachChangeIsTold() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key()
        #expect(try fixture.directory.teams().map(\.name) == ["web"])
        #expect(try fixture.directory.owners(.developer).map(\.name) == ["maria"])
        #expect(fixture.changes.all.map(\.entity) == ["team", "developer", "virtual_key"])
        #expect(fixture.changes.all.last?.id == made.key.key.id && fixture.changes.all.last?.before == nil)
    }

    @Test func aKeyEndsAfterNinetyDaysUnlessToldOtherwise() throws {
        let fixture = try DirectoryFixture()
        let usual = try fixture.key()
        let now = fixture.clock.now()
        #expect(usual.key.key.expires == now.adding(seconds: 90 * 86_400))
        let short = try fixture.key { $0.expires = now.adding(seconds: 60) }
        #expect(try isAccepted(short.text, fixture))
        fixture.clock.advance(seconds: 60)
        #expect(try !isAccepted(short.text, fixture))
        #expect(try isAccepted(usual.text, fixture))
    }

    @Test func anAnswerAboutAnUnknownKeyNamesANearOne() throws {
        let fixture = try DirectoryFixture()
        let id = try fixture.key { $0.name = "laptop" }.key.key.id
        #expect(try fixture.directory.key(id).name == "laptop")
        #expect(try fixture.directory.key("laptop").key.id == id)
        let wrong = #expect(throws: IdentityError.self) { try fixture.directory.key(String(id.prefix(4)) + "zz") }
        #expect(wrong?.code == "key_not_found" && wrong?.mend.contains(id) == true)
        #expect(throws: IdentityError.self) { try fixture.directory.key("") }
    }

    // MARK: Rotation

    @Test func bothSecretsAreGoodDuringTheOverlapAndTheOldOneEndsWithIt() throws {
        let fixture = try DirectoryFixture()
        let first = try fixture.key()
        let second = try fixture.directory.rotateKey(first.key.key.id, overlapSeconds: 3600)
        #expect(second.text != first.text && second.key.key.id == first.key.key.id)
        #expect(try isAccepted(first.text, fixture) && isAccepted(second.text, fixture))
        fixture.clock.advance(seconds: 3599)
        #expect(try isAccepted(first.text, fixture))
        fixture.clock.advance(seconds: 1)
        #expect(try !isAccepted(first.text, fixture))
        #expect(try isAccepted(second.text, fixture))
    }

    @Test func withoutAnOverlapTheOldSecretEndsAtOnce() throws {
        let fixture = try DirectoryFixture()
        let first = try fixture.key()
        let second = try fixture.directory.rotateKey(first.key.key.id, overlapSeconds: 0)
        #expect(try !isAccepted(first.text, fixture) && isAccepted(second.text, fixture))
        // Nor does a clock that is set back bring it back.
        fixture.clock.advance(seconds: -5)
        #expect(try !isAccepted(first.text, fixture) && isAccepted(second.text, fixture))
    }

    @Test func aLaterRotationNeverProlongsAnOlderSecret() throws {
        let fixture = try DirectoryFixture()
        let first = try fixture.key()
        _ = try fixture.directory.rotateKey(first.key.key.id, overlapSeconds: 60)
        let third = try fixture.directory.rotateKey(first.key.key.id, overlapSeconds: 3600)
        #expect(third.key.key.secrets.map(\.generation) == [1, 2, 3])
        fixture.clock.advance(seconds: 61)
        #expect(try !isAccepted(first.text, fixture))
        // Secrets whose overlap is over are forgotten.
        let fourth = try fixture.directory.rotateKey(first.key.key.id, overlapSeconds: 3600)
        #expect(fourth.key.key.secrets.map(\.generation) == [2, 3, 4])
    }

    @Test func anOverlapHasABound() throws {
        let fixture = try DirectoryFixture()
        let id = try fixture.key().key.key.id
        for overlap in [-1, 72 * 3600 + 1, .max] as [Int64] {
            #expect(code { _ = try fixture.directory.rotateKey(id, overlapSeconds: overlap) } == "overlap_too_long")
        }
        #expect(code { _ = try fixture.directory.rotateKey(id, overlapSeconds: 72 * 3600) } == nil)
    }

    // MARK: Revocation

    @Test func aRevokedKeyIsOutForGood() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key()
        _ = try fixture.directory.revokeKey(made.key.key.id)
        #expect(try !isAccepted(made.text, fixture))
        #expect(code { _ = try fixture.directory.rotateKey(made.key.key.id, overlapSeconds: 0) } == "key_revoked")
        #expect(fixture.changes.all.last?.after?.contains("\"revoked\":true") == true)
        #expect(fixture.changes.all.last?.before?.contains("\"revoked\":false") == true)
    }

    @Test func whoIsDisabledIsOutWithEveryKeyAndComesBackWithThem() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key()
        _ = try fixture.directory.setOwner(.developer, "maria", disabled: true)
        #expect(try !isAccepted(made.text, fixture))
        _ = try fixture.directory.setOwner(.developer, "maria", disabled: false)
        #expect(try isAccepted(made.text, fixture))
        _ = try fixture.directory.setTeam("web", disabled: true)
        #expect(try !isAccepted(made.text, fixture))
        _ = try fixture.directory.setTeam("web", disabled: false)
        #expect(try isAccepted(made.text, fixture))
    }

    // MARK: Rows that somebody else wrote

    @Test func aRowThatWasEditedBehindWeirsBackIsRefused() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key { $0.models = ["gpt-5*"] }
        var row = try #require(try fixture.store.key(made.key.key.id))
        row.policy = row.policy.replacingOccurrences(of: "gpt-5*", with: "*")
        try fixture.store.save(row)
        #expect(try !fixture.directory.key(made.key.key.id).isIntact)
        #expect(try fixture.directory.keysByID().isEmpty)
        #expect(try !isAccepted(made.text, fixture))
    }

    @Test func oneKeysPolicyIsNoUseUnderAnothersId() throws {
        let fixture = try DirectoryFixture()
        let strong = try fixture.key()
        let weak = try fixture.key { $0.models = ["gpt-5-mini"] }
        let donor = try #require(try fixture.store.key(strong.key.key.id))
        var row = try #require(try fixture.store.key(weak.key.key.id))
        row.policy = donor.policy
        row.rowMAC = donor.rowMAC
        try fixture.store.save(row)
        #expect(try fixture.directory.keysByID().keys.sorted() == [strong.key.key.id])
    }

    @Test func aRowThatIsNoKeyIsLeftOut() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key()
        try fixture.store.save(KeyRow(keyID: "xxxxxxxxxx", name: "forged", policy: "{}", rowMAC: "", created: ""))
        #expect(try fixture.directory.keys().map(\.key.id) == [made.key.key.id])
    }

    @Test func aMACIsGoodForItsIdAndItsPepperAlone() throws {
        let (one, other) = (try DirectoryFixture(), try DirectoryFixture())
        let secret = Array("secret".utf8)
        let mac = one.directory.pepper.mac(keyID: "a", secret: secret)
        #expect(mac.count == 32)
        #expect(mac == one.directory.pepper.mac(keyID: "a", secret: secret))
        #expect(mac != one.directory.pepper.mac(keyID: "b", secret: secret))
        #expect(mac != other.directory.pepper.mac(keyID: "a", secret: secret))
        #expect(one.directory.pepper.rowMAC(["ab", "c"]) != one.directory.pepper.rowMAC(["a", "bc"]))
    }

    // MARK: Policy

    @Test func aKeysPolicyIsCheckedBeforeItIsStored() throws {
        let fixture = try DirectoryFixture()
        #expect(code { _ = try fixture.key { $0.endpoints = ["chat"] } } == "unknown_endpoint")
        #expect(code { _ = try fixture.key { $0.networks = ["10.0.0.0/33"] } } == "malformed_network")
        #expect(code { _ = try fixture.key { $0.repository = "not a repository" } } == "malformed_repository")
        #expect(code { _ = try fixture.key { $0.name = "a\u{1b}[2J" } } == "malformed_name")
        #expect(code { _ = try fixture.key { $0.name = String(repeating: "a", count: 101) } } == "malformed_name")
        #expect(code { _ = try fixture.key { $0.serviceAccount = "ci" } } == "key_needs_owner")
        #expect(code { _ = try fixture.key { $0.developer = nil } } == "key_needs_owner")
        #expect(
            code {
                _ = try fixture.key {
                    $0.developer = "jon"; $0.team = nil
                }
            } == "developer_not_found")
        #expect(try fixture.directory.keys().isEmpty)
    }

    @Test func aKeyIsBoundToARepositoryHoweverItsURLIsWritten() throws {
        let fixture = try DirectoryFixture()
        let made = try fixture.key {
            $0.repository = "https://user:token@GitHub.com/acme/shop.git"
            $0.repositoryEnforced = true
        }
        #expect(made.key.key.repository == "github.com/acme/shop")
        var change = KeySpecification()
        change.models = ["gpt-5*"]
        let changed = try fixture.directory.updateKey(made.key.key.id, change)
        #expect(changed.key.repository == "github.com/acme/shop" && changed.key.models == ["gpt-5*"])
        change.repository = ""
        #expect(try fixture.directory.updateKey(made.key.key.id, change).key.repository == nil)
    }
}
