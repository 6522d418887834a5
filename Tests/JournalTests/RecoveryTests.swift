// RecoveryTests: what a crash left open is settled once, at what it may have cost, however often recovery itself is cut short.

import Foundation
import GatewayModel
import Journal
import Testing
import WireFormat

struct RecoveryTests {
    /// Appends turns in every state, crashes, and opens the next boot.
    private func crash(_ write: (Journal) throws -> Void) throws -> (Folder, Journal) {
        let folder = Folder()
        let first = try openJournal(folder)
        try write(first)
        let crashed = try folder.crashed()
        first.stop()
        return (crashed, try openJournal(crashed))
    }

    private func settled(_ folder: Folder, in boot: String) -> [TurnRecord] {
        folder.all().filter { $0.position.boot == boot && $0.kind == .turnSettled }.compactMap(\.turn)
    }

    @Test func aTurnThatWasReservedAndNeverSentIsVoid() throws {
        let (folder, journal) = try crash { _ = try $0.turnReserved(makeTurn(1)) }
        defer { journal.stop() }
        let report = try journal.recover()
        #expect(report.voided == 1 && report.settled == 0 && report.boots == 1 && report.records == 1)
        let turn = try #require(settled(folder, in: journal.boot).first)
        #expect(
            turn.cost == .zero && turn.errorClass == "void_after_crash" && turn.flags == [.recovered, .unsent]
                && turn.usageSource == .none)
        #expect(turn.lastByte == turn.received)
    }

    @Test func aTurnThatWasSentIsSettledAtItsBound() throws {
        let sent = FixedClock().time.adding(seconds: 1)
        let (folder, journal) = try crash {
            _ = try $0.turnReserved(makeTurn(1, reserved: 4711))
            _ = try $0.turnSent(makeTurn(1).requestID, deployment: "openai/gpt-5.2", at: sent)
        }
        defer { journal.stop() }
        #expect(try journal.recover().settled == 1)
        let turn = try #require(settled(folder, in: journal.boot).first)
        #expect(turn.cost == NanoUSD(4711) && turn.errorClass == "crashed" && turn.usageSource == .estimated)
        #expect(turn.flags == [.recovered, .estimated])
        #expect(turn.sent == sent && turn.lastByte == sent)
    }

    @Test func aTurnThatWentOnElsewhereIsSettledAtItsLastReservation() throws {
        let sent = FixedClock().time.adding(seconds: 2)
        let (folder, journal) = try crash {
            var turn = makeTurn(1, reserved: 4000)
            turn.sent = FixedClock().time
            _ = try $0.turnReserved(turn)
            turn.tries = [
                UpstreamTry(deployment: "openai/gpt-5.2", status: 0, error: "upstream_closed", microseconds: 9, cost: NanoUSD(300))
            ]
            turn.provider = "other"
            turn.reserved = NanoUSD(1300)
            turn.sent = nil
            _ = try $0.turnReserved(turn)
            _ = try $0.turnSent(turn.requestID, deployment: "other/m", at: sent)
        }
        defer { journal.stop() }
        #expect(try journal.recover().settled == 1)
        let turn = try #require(settled(folder, in: journal.boot).first)
        #expect(turn.cost == NanoUSD(1300) && turn.provider == "other" && turn.sent == sent && turn.tries.first?.cost == NanoUSD(300))
        #expect(settled(folder, in: journal.boot).count == 1)
    }

    @Test func aTryBesideOneThatIsAtItsProviderIsNotVoidBeforeItGoesOut() throws {
        // The second of two has no connection yet, and may never get one: then nothing more is journaled until the end.
        let (folder, journal) = try crash {
            var turn = makeTurn(1, reserved: 4000)
            turn.sent = FixedClock().time
            _ = try $0.turnReserved(turn)
            turn.reserved = NanoUSD(9000)
            turn.sent = nil
            turn.flags.insert(.hedging)
            _ = try $0.turnReserved(turn)
        }
        defer { journal.stop() }
        #expect(try journal.recover().settled == 1)
        let turn = try #require(settled(folder, in: journal.boot).first)
        #expect(turn.cost == NanoUSD(9000) && turn.errorClass == "crashed" && turn.flags == [.recovered, .estimated])
    }

    @Test func aSecondTryThatNeverWentOutCostsWhatTheFirstDid() throws {
        let (folder, journal) = try crash {
            var turn = makeTurn(1, reserved: 4000)
            turn.sent = FixedClock().time
            _ = try $0.turnReserved(turn)
            turn.tries = [
                UpstreamTry(deployment: "openai/gpt-5.2", status: 0, error: "upstream_closed", microseconds: 9, cost: NanoUSD(300))
            ]
            turn.reserved = NanoUSD(1300)
            turn.sent = nil
            _ = try $0.turnReserved(turn)
        }
        defer { journal.stop() }
        #expect(try journal.recover().voided == 1)
        let turn = try #require(settled(folder, in: journal.boot).first)
        #expect(turn.cost == NanoUSD(300) && turn.errorClass == "crashed" && turn.flags == [.recovered, .estimated, .unsent])
    }

    @Test func aBoundWithoutAPriceIsUnpricedAndNotFree() throws {
        let (folder, journal) = try crash {
            _ = try $0.turnReserved(makeTurn(1, reserved: 0))
            _ = try $0.turnSent(makeTurn(1).requestID, deployment: "openai/gpt-5.2", at: FixedClock().time)
        }
        defer { journal.stop() }
        _ = try journal.recover()
        #expect(settled(folder, in: journal.boot).first?.flags == [.recovered, .estimated, .unpriced])
    }

    @Test func whatWasReservedAndSentInOneRecordIsSettledAtItsBound() throws {
        let sent = FixedClock().time.adding(seconds: 3)
        let (folder, journal) = try crash {
            var turn = makeTurn(1, reserved: 4711)
            turn.sent = sent
            _ = try $0.turnReserved(turn)
            _ = try $0.turnReserved(makeTurn(2, reserved: 4711))
        }
        defer { journal.stop() }
        let report = try journal.recover()
        #expect(report.settled == 1 && report.voided == 1)
        let turns = settled(folder, in: journal.boot)
        let first = try #require(turns.first { $0.requestID == makeTurn(1).requestID })
        #expect(first.cost.value == 4711 && first.errorClass == "crashed" && first.sent == sent && first.lastByte == sent)
        let second = try #require(turns.first { $0.requestID == makeTurn(2).requestID })
        #expect(second.cost == .zero && second.errorClass == "void_after_crash")
    }

    @Test func theLastProgressOfAStreamIsKept() throws {
        var usage = TokenUsage()
        usage.input = 900
        usage.output = 77
        let (folder, journal) = try crash { journal in
            let id = makeTurn(1).requestID
            _ = try journal.turnReserved(makeTurn(1))
            _ = try journal.turnSent(id, deployment: "openai/gpt-5.2", at: FixedClock().time)
            var earlier = usage
            earlier.output = 5
            _ = try journal.turnProgress(id, contentBytes: 20, usage: earlier, at: FixedClock().time)
            _ = try journal.turnProgress(id, contentBytes: 300, usage: usage, at: FixedClock().time)
        }
        defer { journal.stop() }
        _ = try journal.recover()
        #expect(settled(folder, in: journal.boot).first?.usage == usage)
    }

    @Test func aStreamUnderAnElasticLimitIsSettledAtWhatWasGrantedLast() throws {
        let (folder, journal) = try crash { journal in
            for number in 1...2 as ClosedRange<UInt64> {
                _ = try journal.turnReserved(makeTurn(number, reserved: 4711))
                _ = try journal.turnSent(makeTurn(number).requestID, deployment: "openai/gpt-5.2", at: FixedClock().time)
            }
            for granted in [5000, 7000] {
                _ = try journal.turnProgress(
                    makeTurn(1).requestID, contentBytes: 20, usage: TokenUsage(), reserved: NanoUSD(Int64(granted)), at: FixedClock().time)
            }
            // Progress that grants nothing leaves the bound as it is.
            _ = try journal.turnProgress(makeTurn(1).requestID, contentBytes: 300, usage: TokenUsage(), at: FixedClock().time)
        }
        defer { journal.stop() }
        _ = try journal.recover()
        let turns = settled(folder, in: journal.boot)
        #expect(turns.first { $0.requestID == makeTurn(1).requestID }?.cost.value == 7000)
        #expect(turns.first { $0.requestID == makeTurn(2).requestID }?.cost.value == 4711)
    }

    @Test func whatWasSettledOrRefusedIsLeftAlone() throws {
        let (folder, journal) = try crash { journal in
            for number in 1...3 as ClosedRange<UInt64> {
                _ = try journal.turnReserved(makeTurn(number))
                _ = try journal.turnSent(
                    makeTurn(number).requestID, deployment: "openai/gpt-5.2", at: FixedClock().time)
                _ = try journal.turnSettled(makeTurn(number))
            }
            _ = try journal.turnRefused(makeTurn(4))
        }
        defer { journal.stop() }
        let report = try journal.recover()
        #expect(report.settled == 0 && report.voided == 0 && report.records == 10)
        #expect(settled(folder, in: journal.boot).isEmpty)
    }

    @Test func aCrashInRecoveryItselfSettlesNothingTwice() throws {
        let folder = Folder()
        let first = try openJournal(folder)
        for number in 1...20 as ClosedRange<UInt64> {
            _ = try first.turnReserved(makeTurn(number))
            _ = try first.turnSent(makeTurn(number).requestID, deployment: "openai/gpt-5.2", at: FixedClock().time)
        }
        let crashed = try folder.crashed()
        first.stop()
        let second = try openJournal(crashed)
        _ = try second.recover()
        second.stop()
        let path = "\(second.boot)/00000001.log"
        let recovered = try crashed.bytes(path)
        // Recovery cut after each of its own records, before it had marked anything.
        var cut = 0
        for done in 0...20 {
            let trial = try folder.crashed()
            try FileManager.default.createDirectory(
                atPath: "\(trial.path)/\(second.boot)", withIntermediateDirectories: true)
            try trial.write(recovered[..<cut], to: path)
            let third = try openJournal(trial)
            let report = try third.recover()
            third.stop()
            #expect(report.settled == 20 - done)
            let all = trial.all().filter { $0.kind == .turnSettled }.compactMap(\.turn?.requestID)
            #expect(all.count == 20 && Set(all).count == 20)
            let fourth = try openJournal(trial)
            let again = try fourth.recover()
            fourth.stop()
            #expect(again.settled == 0)
            if done < 20 { cut = (cut + 8 + (Int(recovered[cut]) | Int(recovered[cut + 1]) << 8) + 3) & ~3 }
        }
    }

    @Test func aBootThatWasSettledGivesBackWhatItHadAllocated() throws {
        let (folder, journal) = try crash { journal in
            for number in 0..<10 { try journal.note("\(number)") }
            journal.syncNow()
        }
        defer { journal.stop() }
        let boots = folder.names()
        let size = try folder.bytes("\(boots[0])/00000001.log").count
        #expect(size == 1 << 20)
        let before = folder.all().map(\.json)
        #expect(try journal.recover().damaged.isEmpty)
        #expect(folder.names(boots[0]) == ["00000001.log", "settled"])
        #expect(try folder.bytes("\(boots[0])/00000001.log").count < 2500)
        #expect(folder.all().map(\.json) == before)
        // A cursor within it still finds its place.
        #expect(folder.all(after: JournalPosition(boot: boots[0], sequence: 4)).count == 6)
    }

    @Test func aBootThatCrashedBeforeItsFirstRecordIsRemoved() throws {
        let folder = Folder()
        for name in ["00000000000000000001", "00000000000000000002"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        try folder.write(Array(repeating: 0, count: 100_000), to: "00000000000000000002/00000001.log")
        try folder.write(Array(repeating: 0, count: 50), to: "00000000000000000002/next")
        let journal = try openJournal(folder)
        #expect(try journal.recover().boots == 2)
        #expect(folder.names() == [journal.boot])
        journal.stop()
    }

    @Test func recordsBehindADamagedOneAreReadKeptAndTold() throws {
        let folder = Folder()
        let first = try openJournal(folder, segmentBytes: 128 << 10)
        for number in 0..<10 { try first.note("\(number)", bytes: 50) }
        // Where it lay in the staging file too, it would be whole again.
        let crashed = try folder.crashed(isWritten: true)
        first.stop()
        let path = "\(first.boot)/00000001.log"
        var bytes = try crashed.bytes(path)
        bytes[500] ^= 4
        try crashed.write(bytes, to: path)
        let journal = try openJournal(crashed)
        defer { journal.stop() }
        #expect(try journal.recover().damaged == [first.boot])
        #expect(try crashed.bytes(path) == bytes)
        #expect(crashed.all().map(\.position.sequence) == [1, 2] + Array(4...10))
        #expect(JournalReader.isDamaged("\(crashed.path)/\(first.boot)"))
    }

    @Test func aWholeBootBeforeOthersIsNotTakenForDamaged() throws {
        let folder = Folder()
        var boots: [String] = []
        for seconds in 0..<3 as Range<Int64> {
            let journal = try openJournal(folder, at: FixedClock().time.adding(seconds: seconds))
            if seconds == 2 {
                // As a power cut after the first recovery may leave it.
                for boot in boots { try? FileManager.default.removeItem(atPath: "\(folder.path)/\(boot)/settled") }
            }
            #expect(try journal.recover().damaged.isEmpty)
            for number in 0..<5 { try journal.note("\(number)") }
            boots.append(journal.boot)
            journal.stop()
        }
        #expect(boots.allSatisfy { !JournalReader.isDamaged("\(folder.path)/\($0)") })
    }

    @Test func damageInAnEarlierSegmentHidesNothingAndSettlesNothingAnew() throws {
        let folder = Folder()
        let first = try openJournal(folder, segmentBytes: 72 << 10)
        _ = try first.turnReserved(makeTurn(1))
        _ = try first.turnSent(makeTurn(1).requestID, deployment: "openai/gpt-5.2", at: FixedClock().time)
        for number in 0..<60 { try first.note("\(number)", bytes: 3000) }
        _ = try first.turnSettled(makeTurn(1))
        let crashed = try folder.crashed(isWritten: true)
        let count = first.lastSequence
        first.stop()
        let path = "\(first.boot)/00000001.log"
        var bytes = try crashed.bytes(path)
        bytes[20_000] ^= 1
        try crashed.write(bytes, to: path)
        let journal = try openJournal(crashed, at: FixedClock().time.adding(seconds: 60))
        defer { journal.stop() }
        let report = try journal.recover()
        #expect(report.damaged == [first.boot] && report.settled == 0 && report.voided == 0)
        #expect(crashed.all().count { $0.position.boot == first.boot } == Int(count) - 1)
        // What somebody may want to mend is not thrown away.
        let end = JournalPosition(boot: journal.boot, sequence: 0)
        #expect(journal.removeSegments(before: end, olderThan: FixedClock().time.adding(seconds: 86_400 * 400)) == 0)
    }

    @Test func segmentsGoWhenEveryCursorHasPassedThemAndTheyAreOld() throws {
        let folder = Folder()
        let start = FixedClock().time
        var journals: [Journal] = []
        for day in 0..<3 {
            let journal = try openJournal(
                folder, segmentBytes: 72 << 10, at: start.adding(seconds: Int64(day) * 86_400))
            _ = try journal.recover()
            for hour in 0..<24 {
                let time = start.adding(seconds: Int64(day) * 86_400 + Int64(hour) * 3600)
                _ = try journal.append(.entityChanged, at: time) {
                    $0.field("filler", String(repeating: "x", count: 20_000))
                }
            }
            journals.append(journal)
            if day < 2 { journal.stop() }
        }
        let last = journals[2]
        defer { last.stop() }
        let own = JournalPosition(boot: last.boot, sequence: last.lastSequence)
        let all = folder.all().count
        #expect(all == 72)
        // Nothing is old enough, or nobody has read it.
        #expect(last.removeSegments(before: own, olderThan: start) == 0)
        #expect(last.removeSegments(before: .start, olderThan: start.adding(seconds: 10 * 86_400)) == 0)
        // Half a day into the first boot.
        #expect(last.removeSegments(before: own, olderThan: start.adding(seconds: 43_200)) == 3)
        #expect(folder.all().map(\.position.sequence).prefix(1) == [10])
        // A boot ended when the next began.
        _ = last.removeSegments(before: own, olderThan: start.adding(seconds: 86_401))
        #expect(folder.names() == [journals[1].boot, last.boot])
        // A cursor within a boot keeps what it has not passed; the segment that is being written always stays.
        let cursor = JournalPosition(boot: journals[1].boot, sequence: 7)
        #expect(last.removeSegments(before: cursor, olderThan: start.adding(seconds: 10 * 86_400)) == 2)
        #expect(folder.all(after: cursor).count == 17 + 24)
        _ = last.removeSegments(before: own, olderThan: start.adding(seconds: 10 * 86_400))
        #expect(folder.names() == [last.boot])
        #expect(folder.all().last?.position == own)
        try last.note("goes on")
        #expect(folder.all(after: own).count == 1)
    }
}
