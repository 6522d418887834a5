// SimulatedTurn: a turn as the world knows it, beside the reservation that the ledger under test gave it.

import GatewayModel
import Policy

/// A turn, from its admission on.
final class SimulatedTurn {
    enum Phase: Equatable {
        case reserved, sent
        /// What was posted for it.
        case settled(LimitAmounts)
        case void
    }

    let facts: TurnFacts
    let tariff: Tariff
    let isPriced: Bool
    let admitted: Timestamp
    /// Counts starts of the server.
    let boot: Int
    /// At most so much is read and written, and a first piece.
    let inputBound, outputBound, piece: Int64
    /// What a provider makes between being cut off and stopping, at most.
    let tail: Int64
    /// What will really be read and written if nobody stops it.
    let input, output: Int64
    var phase = Phase.reserved
    var reservation: Reservation?
    /// Output made so far: what the provider bills.
    var produced: Int64 = 0
    var didReachProvider = false
    /// Output that elastic limits hold.
    var heldOutput: Int64
    /// Counter of each rule that holds for it, by the naive recount; nil where a rule does not.
    var keys: [Int?] = []

    init(_ dice: inout Dice, at now: Timestamp, boot: Int) {
        facts = dice.facts()
        tariff = Tariff(isDear: facts.model == "m1")
        isPriced = !dice.chance(3)
        admitted = now
        self.boot = boot
        inputBound = dice.number(1...200)
        outputBound = dice.number(1...100)
        piece = dice.number(1...30)
        tail = dice.number(0...5)
        input = dice.number(1...inputBound)
        output = dice.number(0...outputBound)
        heldOutput = min(piece, outputBound)
    }

    var demand: LimitDemand {
        LimitDemand(
            whole: amounts(outputBound), first: amounts(min(piece, outputBound)),
            estimate: tariff.amounts(inputBound / 2 + 1, outputBound / 4 + 1, isPriced: isPriced),
            overshoot: LimitAmounts(
                cost: isPriced ? tariff.cost(inputBound, outputBound) - tariff.cost(inputBound, max(0, outputBound - tail)) : nil,
                inputTokens: 0, outputTokens: tail))
    }

    /// The bound for so much output.
    func amounts(_ output: Int64) -> LimitAmounts { tariff.amounts(inputBound, output, isPriced: isPriced) }

    /// What the provider bills.
    var used: LimitAmounts { didReachProvider ? tariff.amounts(input, produced, isPriced: isPriced) : .zero }

    var isLive: Bool { phase == .reserved || phase == .sent }
}

/// What the journal holds: all that is left after a crash.
enum SimulatedRecord {
    case reserved(SimulatedTurn)
    case sent(SimulatedTurn)
    /// An elastic turn may now write so much.
    case extended(SimulatedTurn, output: Int64)
    case settled(SimulatedTurn, LimitAmounts)
    case void(SimulatedTurn)
}
