// KeyPolicyTests: the quick reader of stored keys reads what the encoder writes, and takes no half key.

import Foundation
import GatewayModel
import Identity
import Testing

struct KeyPolicyTests {
    private func json(_ key: VirtualKey) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(key), as: UTF8.self)
    }

    private func full() -> VirtualKey {
        var key = VirtualKey(
            id: "abc4567890",
            principal: Principal(keyID: "abc4567890", workspace: "default", team: "w\"eb\u{7}", developer: "mária 🚀"),
            secrets: [KeySecret(mac: Array(0..<32), generation: 1, validUntil: Timestamp(seconds: 1_790_000_000))])
        key.secrets.append(KeySecret(mac: Array(224...255), generation: 2))
        key.notBefore = Timestamp(seconds: 5)
        key.expires = Timestamp(seconds: 1_990_000_000)
        key.revoked = true
        key.models = ["openai/*", "gpt-5.2"]
        key.endpoints = Endpoint.allCases
        key.networks = ["10.0.0.0/8"]
        key.repository = "github.com/acme/shop"
        key.repositoryEnforced = true
        key.strict = true
        key.cacheSeconds = 3600
        return key
    }

    @Test func aStoredKeyIsReadAsItWasWritten() throws {
        var key = full()
        #expect(decodeKeyPolicy(try json(key)) == key)
        key = VirtualKey(
            id: "k", principal: Principal(keyID: "k", workspace: "d", team: "t", serviceAccount: "ci"),
            secrets: [KeySecret(mac: [1], generation: 9)])
        #expect(decodeKeyPolicy(try json(key)) == key)
    }

    @Test func whatIsNotAWholeKeyIsNone() throws {
        let text = try json(full())
        for end in stride(from: 0, to: text.count, by: 7) {
            #expect(decodeKeyPolicy(String(text.prefix(end))) == nil)
        }
        #expect(decodeKeyPolicy(text.replacingOccurrences(of: "[224,", with: "[300,")) == nil)
        #expect(decodeKeyPolicy(text.replacingOccurrences(of: "\"revoked\":true", with: "\"revoked\":\"no\"")) == nil)
        #expect(decodeKeyPolicy(text.replacingOccurrences(of: "chat_completions", with: "chat_nothing")) == nil)
    }
}
