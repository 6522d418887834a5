// JournalRecovery: settles what a crash left open. A turn that was reserved and never sent is void; one that was sent is
// settled at the larger of what was seen and its reserved bound, since its provider may have billed it. The bound of a stream under an
// elastic limit grows as the limit grants it more: what was granted last is what binds.

import GatewayModel
import WireFormat

/// What recovery did.
package struct RecoveryReport: Sendable, Hashable {
    package var boots = 0
    package var records = 0
    package var voided = 0
    package var settled = 0
    /// Boots with whole records behind a damaged one: the disk lost something in between.
    package var damaged: [String] = []
}

extension Journal {
    /// Settles the open turns of earlier boots in this one. Boots that were wholly settled carry a mark and are not read again.
    package func recover() throws(JournalError) -> RecoveryReport {
        var report = RecoveryReport()
        let earlier = JournalReader.boots(in: directory).filter { $0 < boot }
        var open: [RequestID: OpenTurn] = [:]
        let unmarked = earlier.filter { !isSettled($0) }
        for name in unmarked {
            report.boots += 1
            try writeStaged(of: name)
            read(name, &report, &open)
        }
        for turn in open.values.sorted(by: { $0.record.received < $1.record.received }) {
            try settle(turn, &report)
        }
        // The settlements must be on the disk before the boots that they settle are passed over for good.
        guard syncNow() else { return report }
        for name in unmarked {
            mark(name, as: "settled")
            cut(name)
        }
        return report
    }

    private struct OpenTurn {
        var record: TurnRecord
        var isSent = false
        var progress: TokenUsage?
    }

    /// Reads a boot; where something lies behind its end, that too.
    private func read(_ name: String, _ report: inout RecoveryReport, _ open: inout [RequestID: OpenTurn]) {
        var reader = JournalReader(directory: directory)
        var cursor = JournalPosition(boot: name, sequence: 0)
        var isRead = false
        while true {
            let batch = reader.read(after: cursor, countMax: 1024, bootAlone: true)
            for record in batch {
                cursor = record.position
                report.records += 1
                record.json.withUnsafeBytes { Self.apply(record.kind, $0, &open) }
            }
            guard batch.isEmpty else { continue }
            let end = reader.place.map { (segment: $0.segment, offset: $0.offset) } ?? (segment: 0, offset: 0)
            if isRead || !hasRecords(name, behind: end) { return }
            isRead = true
            report.damaged.append(name)
            mark(name, as: "damaged")
        }
    }

    private static func apply(_ kind: RecordKind?, _ json: UnsafeRawBufferPointer, _ open: inout [RequestID: OpenTurn]) {
        switch kind {
        case .turnReserved:
            // A turn that goes on at another deployment is reserved anew: what stands last is what binds, and holds the tries before.
            // A request whose connection was at hand went out with its reservation: then one record says both.
            guard var turn = decodeTurn(json) else { return }
            let isHedge = turn.flags.contains(.hedging)
            turn.flags.remove(.hedging)
            open[turn.requestID] = OpenTurn(record: turn, isSent: turn.sent != nil || isHedge)
        case .turnSent, .turnProgress, .turnSettled, .turnRefused:
            var id: RequestID?
            var usage: TokenUsage?
            var granted: Int64?
            var time: String?
            visitJSONMembers(json) { member in
                if member.isNamed("id") { id = member.string.flatMap(RequestID.init) }
                if member.isNamed("time") { time = member.string }
                if kind == .turnProgress {
                    if member.isNamed("usage") { usage = decodeUsage(member.value) }
                    if member.isNamed("reserved") { granted = member.integer }
                }
            }
            guard let id else { return }
            if kind == .turnSent {
                open[id]?.isSent = true
                open[id]?.record.sent = time.flatMap(Timestamp.init(rfc3339:))
            } else if kind == .turnProgress {
                open[id]?.progress = usage
                if let granted { open[id]?.record.reserved = NanoUSD(granted) }
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
            record.flags.insert(.unsent)
            record.usageSource = .none
            // The try that was under way never reached its provider; those before it may have been billed, and are known.
            record.cost = record.tries.reduce(.zero) { $0 + $1.cost }
            if record.cost != .zero {
                record.errorClass = "crashed"
                record.flags.insert(.estimated)
            }
        }
        _ = try turnSettled(record)
    }
}
