// TurnReader: the quick way through records that follow each other, for who reads all of them.

import CSearch
package import GatewayModel

#if canImport(Glibc)
    import Glibc
#endif

/// Reads turns that follow each other. Those of one session begin alike, from the key to the served model: that part is read once, and
/// compared afterwards.
package struct TurnReader {
    /// A beginning that was read.
    private final class Known {
        let bytes: [UInt8]
        let number: Int
        let turn: TurnRecord

        init(bytes: UnsafeRawBufferPointer, number: Int, turn: TurnRecord) {
            self.bytes = Array(bytes)
            self.number = number
            self.turn = turn
        }

        func isOf(_ others: UnsafeRawBufferPointer) -> Bool {
            guard bytes.count == others.count else { return false }
            return bytes.withUnsafeBytes { own in
                guard let own = own.baseAddress, let other = others.baseAddress else { return own.isEmpty }
                return memcmp(own, other, others.count) == 0
            }
        }
    }

    private var known: [UInt32: Known] = [:]
    private var last = 0
    /// More than there are sessions at work; the shortcut begins anew behind it.
    private static let knownMax = 4096

    package init() {}

    /// Reads of a turn what sums and labels are made of. Turns of one `beginning` have the same principal, attribution, endpoint,
    /// provider and models; it is 0 where that is not known.
    package mutating func read(_ record: UnsafeRawBufferPointer) -> (turn: TurnRecord, beginning: Int)? {
        var reader = QuickReader(record)
        guard let beginning = reader.beginning() else { return decodeTurnQuickly(record).map { ($0, 0) } }
        let bytes = UnsafeRawBufferPointer(rebasing: record[beginning])
        let checksum = CRC32C.checksum(bytes)
        if let found = known[checksum], found.isOf(bytes) {
            var turn = found.turn
            guard reader.readOn(&turn, behind: beginning.upperBound) else { return decodeTurnQuickly(record).map { ($0, 0) } }
            return (turn, found.number)
        }
        guard isQuick(record), let turn = decodeTurnQuickly(record) else { return decodeTurnQuickly(record).map { ($0, 0) } }
        var start = turn
        start.removeOutcome()
        if known.count >= Self.knownMax { known = [:] }
        last += 1
        known[checksum] = Known(bytes: bytes, number: last, turn: start)
        return (turn, last)
    }
}

extension TurnRecord {
    /// Leaves what a record's beginning says.
    fileprivate mutating func removeOutcome() {
        requestID = RequestID(high: 0, low: 0)
        usage = TokenUsage()
        cost = .zero
        flags = []
        status = 0
        errorClass = nil
        toolCalls = 0
        responseID = nil
        received = Timestamp(nanoseconds: 0)
        lastByte = nil
    }
}

extension QuickReader {
    /// What a record says behind its id and before its numbers; nil when it is not as Weir writes it. Leaves off at the id.
    mutating func beginning() -> Range<Int>? {
        guard header() != nil, at + 50 < bytes.count else { return nil }
        do throws(NotQuick) {
            try take(",\"id\":")
            idPlace = at
            _ = try text()
            try take(",")
        } catch {
            return nil
        }
        let start = at
        // Its value is a number, which no tag of the client's is.
        let mark: StaticString = ",\"snap\":"
        var from = at
        while let base = bytes.baseAddress,
            let found = weir_memmem(base + from, bytes.count - from, mark.utf8Start, mark.utf8CodeUnitCount)
        {
            let end = found - base
            from = end + mark.utf8CodeUnitCount
            if from < bytes.count, bytes[from] &- 48 < 10 { return start..<end }
        }
        return nil
    }

    /// Reads the id, and then everything behind the beginning.
    mutating func readOn(_ turn: inout TurnRecord, behind place: Int) -> Bool {
        do throws(NotQuick) {
            at = idPlace
            turn.requestID = try requestID()
            at = place + 1
            hint = firstNumber
            repeat { try member(try name(), &turn) } while try goesOn(125)
        } catch {
            return false
        }
        return at == bytes.count
    }
}
