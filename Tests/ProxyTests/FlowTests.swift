// FlowTests: slow readers, hang-ups, changed snapshots, full pools, and the end of the process.

import Foundation
import GatewayModel
import Proxy
import RawWire
import Testing

@Suite struct FlowTests {
    /// A stream of about eight megabytes: more than the sockets in between hold.
    private static let long = [("x-sim-chunks", "40000"), ("x-sim-output-tokens", "10000")]

    @Test(arguments: [false, true])
    func aSlowReaderGetsEveryByteInOrderAndHoldsTheProviderBack(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS) { gateway in
            let connection = try await gateway.connect(pauses: true)
            try await connection.send(gateway.chat(String(helloStream), Self.long))
            // A second client is served meanwhile, by the same event loop.
            for _ in 0..<5 { #expect(try await gateway.ask(gateway.chat(hello)).status == 200) }
            try await waitUntil("only the slow one is left") { await gateway.server.activeCount() == 1 }
            #expect(gateway.journaled().turns.count == 5)
            try await connection.setReading(true)
            var last = 0
            while last < 39_999 {
                let next = last + 1
                _ = try await connection.read(through: "\" \(next)\"")
                last = next
            }
            _ = try await connection.read(through: "data: [DONE]\n\n")
            let turn = try #require(try await gateway.ended(6).last)
            #expect(turn.usage.output == 10_000 && turn.usageSource == .provider && !turn.flags.contains(.cancelled))
            await connection.close()
        }
    }

    @Test(arguments: [false, true])
    func aReaderThatTakesNothingIsCutAndItsTurnSettled(hasTLS: Bool) async throws {
        try await Gateway.run(hasTLS: hasTLS, limits: { $0.slowReaderSeconds = 1 }) { gateway in
            let connection = try await gateway.connect(pauses: true)
            try await connection.send(gateway.chat(String(helloStream), Self.long))
            let turn = try #require(try await gateway.ended(1).first)
            #expect(turn.flags.contains(.cancelled) && turn.cost.value > 0 && turn.usage.output > 0)
            #expect(await gateway.server.activeCount() == 0)
            await connection.close()
        }
    }

    @Test func aClientThatHangsUpIsStillBilled() async throws {
        try await Gateway.run { gateway in
            let connection = try await gateway.connect()
            try await connection.send(
                gateway.chat(String(helloStream), [("x-sim-chunks", "500"), ("x-sim-pace-ms", "20")]))
            _ = try await connection.read(through: "Chunk 0")
            await connection.close()
            let turn = try #require(try await gateway.ended(1).first)
            #expect(turn.flags.contains(.cancelled) && turn.flags.contains(.estimated))
            #expect(turn.usage.output > 0 && turn.cost.value > 0 && turn.errorClass == "client_closed")
        }
    }

    // MARK: Snapshots

    @Test func aRevokedKeysStreamIsCutAndItsNextRequestRefused() async throws {
        try await Gateway.run { gateway in
            let (revoked, other) = (try await gateway.connect(), try await gateway.connect())
            let paced = [("x-sim-chunks", "400"), ("x-sim-pace-ms", "10")]
            try await revoked.send(gateway.chat(String(helloStream), paced))
            try await other.send(
                gateway.chat(String(helloStream), [("x-sim-chunks", "30"), ("x-sim-pace-ms", "10")], developer: 1))
            _ = try await revoked.read(through: "Chunk 0")
            _ = try await other.read(through: "Chunk 0")
            try await gateway.publish { keys, _ in keys[0].revoked = true }
            #expect(await revoked.isClosed())
            _ = try await other.read(through: "data: [DONE]\n\n")
            let refused = try await gateway.ask(gateway.chat(hello))
            #expect(refused.status == 401 && refused.text.contains("revoked_api_key"))
            let turns = try await gateway.ended(2)
            let cut = try #require(turns.first { $0.principal.developer == "maria" })
            #expect(cut.errorClass == "revoked_api_key" && cut.cost.value > 0)
            await other.close()
        }
    }

    @Test func aConnectionThatKnowsAKeyStillJudgesIt() async throws {
        try await Gateway.run { gateway in
            let connection = try await gateway.connect()
            func status(_ text: String) async throws -> Int {
                try await connection.send(text)
                return try await connection.reply().status
            }
            #expect(try await status(gateway.chat(hello)) == 200)
            #expect(try await status(gateway.chat(hello)) == 200)
            // One letter of the secret is another, and the checksum with it wrong; then somebody else's key; then the first again.
            let token = gateway.keys[0].text
            let place = token.index(token.startIndex, offsetBy: 30)
            let wrong = token.replacingCharacters(in: place...place, with: token[place] == "a" ? "b" : "a")
            #expect(try await status(gateway.chat(hello).replacingOccurrences(of: token, with: wrong)) == 401)
            #expect(try await status(gateway.chat(hello, developer: 1)) == 200)
            #expect(try await status(gateway.chat(hello)) == 200)
            #expect(try await gateway.ended(4).map(\.principal.developer) == ["maria", "maria", "jon", "maria"])
            // A rotated secret is good until its overlap ends.
            let end = gateway.clock.now().adding(seconds: 60)
            try await gateway.publish { keys, _ in keys[0].secrets[0].validUntil = end }
            #expect(try await status(gateway.chat(hello)) == 200)
            gateway.clock.advance(seconds: 61)
            #expect(try await status(gateway.chat(hello)) == 401)
            try await gateway.publish { keys, _ in keys[1].revoked = true }
            #expect(try await status(gateway.chat(hello, developer: 1)) == 401)
            await connection.close()
        }
    }

    @Test func aRequestKeepsTheSnapshotThatItBeganWith() async throws {
        try await Gateway.run { gateway in
            let connection = try await gateway.connect()
            try await connection.send(
                gateway.chat(String(helloStream), [("x-sim-chunks", "30"), ("x-sim-pace-ms", "10")]))
            _ = try await connection.read(through: "Chunk 0")
            try await gateway.publish { _, limits in limits.requestBodyBytesMax = 1024 }
            let large = hello.replacingOccurrences(of: "hello", with: String(repeating: "a", count: 2000))
            #expect(try await gateway.ask(gateway.chat(large)).status == 413)
            _ = try await connection.read(through: "data: [DONE]\n\n")
            #expect(try await gateway.ask(gateway.chat(hello)).status == 200)
            let versions = try await gateway.ended(2).filter { $0.status == 200 }.map(\.snapshotVersion).sorted()
            #expect(versions == [1, 2])
            await connection.close()
        }
    }

    // MARK: Limits

    @Test func moreRequestsThanConnectionsWaitAndMoreThanMayWaitAreRefused() async throws {
        try await Gateway.run(limits: {
            $0.upstreamConnectionsPerLoopMax = 1
            $0.upstreamWaitersMax = 1
        }) { gateway in
            let (first, second) = (try await gateway.connect(), try await gateway.connect())
            try await first.send(gateway.chat(String(helloStream), [("x-sim-chunks", "60"), ("x-sim-pace-ms", "10")]))
            _ = try await first.read(through: "Chunk 0")
            try await second.send(gateway.chat(hello))
            try await waitUntil("the second request waits") { await gateway.server.activeCount() == 2 }
            let third = try await gateway.ask(gateway.chat(hello))
            #expect(third.status == 503 && third.text.contains("upstream_busy"), "\(third.text)")
            _ = try await first.read(through: "data: [DONE]\n\n")
            #expect(try await second.reply().status == 200)
            let turns = try await gateway.ended(3)
            #expect(turns.filter { $0.status == 200 }.count == 2)
            await first.close()
            await second.close()
        }
    }

    @Test func oneConnectionTooManyIsClosedAtOnce() async throws {
        try await Gateway.run(limits: { $0.clientConnectionsMax = 1 }) { gateway in
            let first = try await gateway.connect()
            try await first.send(gateway.chat(hello))
            #expect(try await first.reply().status == 200)
            let second = try await gateway.connect()
            #expect(await second.isClosed())
            #expect(gateway.server.metrics.connectionsRefused.value == 1)
            await first.close()
            try await waitUntil("the place is free again") {
                let third = try await gateway.connect()
                try? await third.send(gateway.chat(hello))
                let status = try? await third.reply().status
                await third.close()
                return status == 200
            }
        }
    }

    // MARK: The end

    @Test func aDrainLetsRunningStreamsEndAndTakesNothingNew() async throws {
        try await Gateway.run { gateway in
            let (busy, idle) = (try await gateway.connect(), try await gateway.connect())
            try await idle.send(gateway.chat(hello))
            _ = try await idle.reply()
            try await busy.send(gateway.chat(String(helloStream), [("x-sim-chunks", "60"), ("x-sim-pace-ms", "10")]))
            _ = try await busy.read(through: "Chunk 0")
            async let drained: Void = gateway.server.drain(seconds: 10)
            #expect(await idle.isClosed())
            await #expect(throws: (any Error).self) { try await gateway.ask(gateway.chat(hello)) }
            _ = try await busy.read(through: "data: [DONE]\n\n")
            await drained
            let turns = try await gateway.ended(2)
            #expect(turns.count == 2 && turns.allSatisfy { $0.status == 200 && $0.usageSource == .provider })
        }
    }

    @Test func whatOutlastsTheDrainIsCutAndSettled() async throws {
        try await Gateway.run { gateway in
            let connection = try await gateway.connect()
            try await connection.send(
                gateway.chat(String(helloStream), [("x-sim-chunks", "2000"), ("x-sim-pace-ms", "20")]))
            _ = try await connection.read(through: "Chunk 0")
            await gateway.server.drain(seconds: 0)
            #expect(await connection.isClosed())
            let turn = try #require(try await gateway.ended(1).first)
            #expect(turn.errorClass == "shutting_down" && turn.flags.contains(.estimated) && turn.cost.value > 0)
        }
    }
}
