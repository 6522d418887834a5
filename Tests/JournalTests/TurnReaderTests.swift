// TurnReaderTests: what is read of a turn does not depend on the turns that were read before it.

import GatewayModel
import Journal
import Testing
import WireFormat

struct TurnReaderTests {
    /// Turns of a few sessions in turn, each with an outcome and a prompt of its own.
    private func records(isPlain: Bool, seed: UInt64) throws -> [JournalRecord] {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 16 << 20)
        var generator = SeededGenerator(seed: seed)
        let source = TurnSource(isPlain: isPlain)
        let sessions = (0..<5).map { _ in source.turn(&generator) }
        for number in 0..<400 {
            var turn = source.turn(&generator)
            let session = sessions[number % sessions.count]
            turn.principal = session.principal
            turn.attribution = session.attribution
            turn.attribution.clientTurn = "prompt-\(number)"
            turn.endpoint = session.endpoint
            turn.stream = session.stream
            turn.modelAsked = session.modelAsked
            turn.provider = session.provider
            turn.model = session.model
            turn.modelServed = session.modelServed
            turn.snapshotVersion = Int64(number)
            _ = try journal.turnSettled(turn)
        }
        journal.stop()
        return folder.all()
    }

    @Test(arguments: [false, true]) func turnsOfOneSessionAreReadAsIfEachWereTheFirst(isPlain: Bool) throws {
        var reader = TurnReader()
        var beginnings: Set<Int> = []
        for record in try records(isPlain: isPlain, seed: 51) {
            let (read, alone) = record.json.withUnsafeBytes { (reader.read($0), decodeTurnForSums($0)) }
            #expect(read?.turn == alone)
            if let read { beginnings.insert(read.beginning) }
        }
        if isPlain { #expect(beginnings == [1, 2, 3, 4, 5]) }
    }

    @Test func aTagThatIsNamedLikeAMemberMovesNothing() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        for cost in 1...3 {
            var turn = makeTurn(UInt64(cost))
            turn.attribution.tags = ["snap": "1", "endpoint": "messages", "cost": "9"]
            turn.cost = NanoUSD(Int64(cost))
            _ = try journal.turnSettled(turn)
        }
        journal.stop()
        var reader = TurnReader()
        let costs = folder.all().compactMap { record in record.json.withUnsafeBytes { reader.read($0)?.turn.cost.value } }
        #expect(costs == [1, 2, 3])
    }

    @Test func aDamagedRecordIsReadAsWithoutTheOnesBeforeIt() throws {
        let records = try records(isPlain: true, seed: 52)
        var generator = SeededGenerator(seed: 53)
        var reader = TurnReader()
        for record in records {
            var changed = record.json
            changed[Int.random(in: changed.indices, using: &generator)] = Array(#""\,:{}[]0-9"#.utf8).randomElement(using: &generator) ?? 0
            let isJSON = changed.withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes)
                return (try? scanner.skipValue()) != nil && (try? scanner.finish()) != nil
            }
            let (read, alone) = changed.withUnsafeBytes { (reader.read($0), decodeTurnForSums($0)) }
            #expect(read?.turn == alone || !isJSON, "\(String(decoding: changed, as: UTF8.self))")
            _ = record.json.withUnsafeBytes { reader.read($0) }
        }
    }

    @Test func eachRecordSaysItsOwnTime() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        let start = Int64(1_764_455_553_999_998_000)
        for step in 0..<5 {
            _ = try journal.turnSettled(makeTurn(UInt64(step), at: Timestamp(nanoseconds: start + Int64(step) * 700_123_000)))
        }
        journal.stop()
        for (step, record) in folder.all().enumerated() {
            let time = Timestamp(nanoseconds: start + Int64(step) * 700_123_000).rfc3339
            #expect(String(decoding: record.json, as: UTF8.self).contains("\"time\":\"\(time)\""))
        }
    }
}
