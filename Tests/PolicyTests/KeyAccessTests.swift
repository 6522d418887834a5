// What a key may do: its time, its network, its endpoints, its models, its repository.

import GatewayModel
import Policy
import Testing

@Suite struct KeyAccessTests {
    private var key = VirtualKey(
        id: "0123456789", principal: Principal(keyID: "0123456789", workspace: "w", team: "t"), secrets: [])
    private let now = Timestamp(seconds: 1000)

    private func refusal(
        _ key: VirtualKey, at time: Timestamp? = nil, peer: PeerAddress = PeerAddress([10, 0, 0, 1]),
        _ endpoint: Endpoint = .messages
    ) -> GatewayError? {
        do throws(GatewayError) { try KeyAccess.check(key: key, at: time ?? now, peer: peer, endpoint: endpoint) } catch { return error }
        return nil
    }

    @Test func aKeyWithoutLimitsMayEverything() {
        for endpoint in Endpoint.allCases { #expect(refusal(key, endpoint) == nil) }
        #expect(refusal(key, peer: .unknown) == nil)
        #expect(KeyAccess.allowsModel(key, asked: "x", provider: "p", model: "m"))
    }

    @Test func timeIsCheckedToTheInstant() {
        var key = key
        key.notBefore = now
        key.expires = now.adding(seconds: 10)
        #expect(refusal(key, at: now) == nil)
        #expect(refusal(key, at: Timestamp(nanoseconds: now.nanoseconds - 1)) == .keyNotYetValid(keyID: key.id))
        #expect(refusal(key, at: Timestamp(nanoseconds: now.adding(seconds: 10).nanoseconds - 1)) == nil)
        #expect(refusal(key, at: now.adding(seconds: 10)) == .expiredKey(keyID: key.id))
    }

    @Test func revocationIsSaidFirst() {
        var key = key
        key.revoked = true
        key.expires = Timestamp(seconds: 1)
        key.networks = ["192.168.0.0/16"]
        #expect(refusal(key) == .revokedKey(keyID: key.id))
    }

    @Test func endpointsAreAListAndModelsMayAlwaysBeListed() {
        var key = key
        key.endpoints = [.chatCompletions]
        #expect(refusal(key, .chatCompletions) == nil && refusal(key, .models) == nil)
        for endpoint in Endpoint.allCases where endpoint != .chatCompletions && endpoint != .models {
            #expect(refusal(key, endpoint) == .endpointNotAllowed(keyID: key.id, endpoint: endpoint.rawValue))
        }
    }

    @Test func networksAreAListAndAFaultyOneOpensNothing() {
        var key = key
        key.networks = ["192.168.0.0/16", "10.0.0.0/24"]
        #expect(refusal(key) == nil)
        #expect(
            refusal(key, peer: PeerAddress([10, 0, 1, 1])) == .addressNotAllowed(keyID: key.id, address: "10.0.1.1"))
        #expect(refusal(key, peer: .unknown)?.code == "address_not_allowed")
        key.networks = ["not a network"]
        #expect(refusal(key)?.code == "address_not_allowed")
    }

    @Test func modelsAreMatchedByWhatIsServedNotByWhatIsAsked() {
        var key = key
        key.models = ["gpt-5*", "anthropic/claude-haiku-5-5"]
        #expect(KeyAccess.allowsModel(key, asked: "fast", provider: "openai", model: "gpt-5-mini"))
        #expect(KeyAccess.allowsModel(key, asked: "x", provider: "anthropic", model: "claude-haiku-5-5"))
        #expect(!KeyAccess.allowsModel(key, asked: "gpt-5", provider: "openai", model: "o9"))
        #expect(!KeyAccess.allowsModel(key, asked: "x", provider: "other", model: "claude-haiku-5-5"))
        #expect(throws: GatewayError.modelNotAllowed(keyID: key.id, model: "gpt-5", allowed: key.models)) {
            try KeyAccess.checkModel(key, asked: "gpt-5", provider: "openai", model: "o9")
        }
    }

    @Test(arguments: [
        ("*", "", true), ("*", "x", true), ("**", "x", true), ("a*", "a", true), ("a*", "ab", true),
        ("a*", "ba", false), ("*a", "ba", true), ("*a", "ab", false), ("*a*", "bab", true), ("*a*", "b", false),
        ("a", "a", true), ("a", "A", false), ("", "", true), ("", "a", false), ("a*b", "axb", false),
        ("a*b", "a*b", true),
    ])
    func patternsHaveStarsAtTheirEnds(_ pattern: String, _ text: String, _ matches: Bool) {
        #expect(KeyAccess.matches(pattern, text) == matches)
    }

    @Test func aBindingCountsOnlyWhereItIsEnforced() throws {
        var key = key
        key.repository = "github.com/a/b"
        try KeyAccess.checkRepository(key, repository: "github.com/c/d")
        key.repositoryEnforced = true
        try KeyAccess.checkRepository(key, repository: "github.com/a/b")
        #expect(
            throws: GatewayError.repositoryNotAllowed(
                keyID: key.id, repository: "github.com/c/d", bound: "github.com/a/b")
        ) {
            try KeyAccess.checkRepository(key, repository: "github.com/c/d")
        }
        #expect(throws: GatewayError.self) { try KeyAccess.checkRepository(key, repository: nil) }
    }
}
