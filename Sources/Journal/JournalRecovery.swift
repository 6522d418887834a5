// JournalRecovery: settles what a crash left open. A turn that was reserved and never sent is void; one that was sent is
// settled at the larger of what was seen and its reserved bound, since its provider may have billed it.

package import GatewayModel
import WireFormat

#if canImport(Glibc)
    import Glibc
#endif

/// What recovery did.
package struct RecoveryReport: Sendable, Hashable {
    package var boots = 0
    package var records = 0
    package var voided = 0
    package var settled = 0
}

extension Journal {
    /// Settles the open turns of earlier boots in this one. Boots that were wholly settled carry a mark and are not read again.
    package func recover() throws(JournalError) -> RecoveryReport {
        var report = RecoveryReport()
        let earlier = JournalReader.boots(in: directory).filter { $0 < boot }
        var open: [RequestID: OpenTurn] = [:]
        var unmarked: [String] = []
        for name in earlier where access("\(directory)/\(name)/settled", F_OK) != 0 {
            unmarked.append(name)
            report.boots += 1
            var reader = JournalReader(directory: directory)
            var cursor = JournalPosition(boot: name, sequence: 0)
            reading: while true {
                let batch = reader.read(after: cursor, countMax: 1024)
                if batch.isEmpty { break }
                for record in batch {
                    guard record.position.boot == name else { break reading }
                    cursor = record.position
                    report.records += 1
                    record.json.withUnsafeBytes { Self.apply(record.kind, $0, &open) }
                }
            }
        }
        for turn in open.values.sorted(by: { $0.record.received < $1.record.received }) {
            try settle(turn, &report)
        }
        // The settlements must be on the disk before the boots that they settle are passed over for good.
        syncNow()
        if isAvailable { for name in unmarked { mark(name) } }
        return report
    }

    private struct OpenTurn {
        var record: TurnRecord
        var isSent = false
        var progress: TokenUsage?
    }

    private static func apply(_ kind: RecordKind?, _ json: UnsafeRawBufferPointer, _ open: inout [RequestID: OpenTurn]) {
        switch kind {
        case .turnReserved:
            if let turn = decodeTurn(json) { open[turn.requestID] = OpenTurn(record: turn) }
        case .turnSent, .turnProgress, .turnSettled, .turnRefused:
            var id: RequestID?
            var usage: TokenUsage?
            var time: String?
            visitJSONMembers(json) { member in
                if member.isNamed("id") { id = member.string.flatMap(RequestID.init) }
                if member.isNamed("time") { time = member.string }
                if member.isNamed("usage"), kind == .turnProgress { usage = decodeUsage(member.value) }
            }
            guard let id else { return }
            if kind == .turnSent {
                open[id]?.isSent = true
                open[id]?.record.sent = time.flatMap(Timestamp.init(rfc3339:))
            } else if kind == .turnProgress {
                open[id]?.progress = usage
            } else {
                open[id] = nil
            }
        default: break
        }
    }

    private func settle(_ turn: OpenTurn, _ report: inout RecoveryReport) throws(JournalError) {
        var record = turn.record
        record.lastByte = record.sent ?? record.received
        record.flags.insert(.recovered)
        if turn.isSent {
            report.settled += 1
            record.errorClass = "crashed"
            record.usageSource = .estimated
            record.flags.insert(.estimated)
            if let progress = turn.progress { record.usage = progress }
            record.cost = record.reserved
            if record.reserved == .zero { record.flags.insert(.unpriced) }
        } else {
            report.voided += 1
            record.errorClass = "void_after_crash"
            record.usageSource = .none
            record.cost = .zero
        }
        _ = try turnSettled(record)
    }

    private func mark(_ name: String) {
        let descriptor = Glibc.open("\(directory)/\(name)/settled", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    /// Removes the segments of earlier boots that every cursor has passed and that are older than `time`, and gives how many.
    package func removeSegments(before cursor: JournalPosition, olderThan time: Timestamp) -> Int {
        let limit = min(cursor.boot, Journal.bootName(time))
        var removed = 0
        for name in JournalReader.boots(in: directory) where name < limit && name < boot {
            guard access("\(directory)/\(name)/settled", F_OK) == 0 else { continue }
            let folder = "\(directory)/\(name)"
            // The mark goes last, so that a crash in between leaves nothing to settle twice.
            for file in listFolder(folder) where file.hasSuffix(".log") && unlink("\(folder)/\(file)") == 0 { removed += 1 }
            unlink("\(folder)/settled")
            rmdir(folder)
        }
        return removed
    }
}
