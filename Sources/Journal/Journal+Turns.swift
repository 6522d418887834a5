// Journal+Turns: the records of a turn's life, in the order in which they are written.

package import GatewayModel
import WireFormat

extension Journal {
    /// Before anything goes upstream: everything known, and the most that it can cost. A turn that has its `sent` counts as sent
    /// from here on, without a record of its own.
    package func turnReserved(
        at turn: UnsafePointer<TurnRecord>, opening: inout TurnOpening
    ) throws(JournalError) -> JournalPosition {
        try append(.turnReserved, at: turn.pointee.received, admits: true) { $0.turn(at: turn, opening: &opening) }
    }

    /// Before the first byte goes to the provider.
    package func turnSent(
        _ id: RequestID, deployment: String, at time: Timestamp
    ) throws(JournalError) -> JournalPosition {
        try append(.turnSent, at: time) { writer in
            id.withUTF8 { writer.field("id", utf8: $0) }
            writer.field("deployment", deployment)
        }
    }

    /// How far a long stream has come, and what it may cost by now where an elastic limit has granted it more than was reserved.
    package func turnProgress(
        _ id: RequestID, contentBytes: Int64, usage: TokenUsage, reserved: NanoUSD? = nil, at time: Timestamp
    ) throws(JournalError) -> JournalPosition {
        try append(.turnProgress, at: time) { writer in
            id.withUTF8 { writer.field("id", utf8: $0) }
            writer.field("content_bytes", contentBytes)
            if let reserved { writer.field("reserved", reserved.value) }
            writer.usage(usage)
        }
    }

    /// Before the last byte goes to the client.
    package func turnSettled(
        at turn: UnsafePointer<TurnRecord>, opening: inout TurnOpening
    ) throws(JournalError) -> JournalPosition {
        try append(.turnSettled, at: turn.pointee.lastByte ?? turn.pointee.received) { $0.turn(at: turn, opening: &opening) }
    }

    /// A known caller was refused.
    package func turnRefused(_ turn: TurnRecord) throws(JournalError) -> JournalPosition {
        try append(.turnRefused, at: turn.lastByte ?? turn.received) { $0.turn(turn) }
    }

    // MARK: The same of a record that has no place of its own

    package func turnReserved(_ turn: TurnRecord) throws(JournalError) -> JournalPosition {
        try append(.turnReserved, at: turn.received, admits: true) { $0.turn(turn) }
    }

    package func turnSettled(_ turn: TurnRecord) throws(JournalError) -> JournalPosition {
        try append(.turnSettled, at: turn.lastByte ?? turn.received) { $0.turn(turn) }
    }
}
