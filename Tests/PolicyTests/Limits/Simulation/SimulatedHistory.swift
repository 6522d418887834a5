// SimulatedHistory: one seed, one history of a node: turns that come, stream, fail and end while time passes, clocks jump, rules change
// and the server is killed and starts again. `SimulatedHistory+Checks` holds what must be true after each step.

import GatewayModel
import Policy

/// What went wrong, with the seed that shows it.
struct BrokenInvariant: Error, CustomStringConvertible {
    var description: String
}

struct SimulatedHistory {
    let seed: UInt64
    var dice: Dice
    var rules: [LimitRule]
    var book: LimitBook
    var ledger: LimitLedger
    var recount = NaiveRecount()
    var turns: [SimulatedTurn] = []
    var now = Timestamp(seconds: 0)
    /// What clocks are off by.
    var skew: Int64 = 0
    let hasJumps, hasCrashes: Bool
    var boot = 0
    var mostAtOnce = 0
    /// The highest limit that each rule ever had.
    var limitMost: [Int64]
    /// The most that was ever granted on top of it.
    var grantedMost: [Int64]
    var counts = Counts()

    // What survives a crash.
    var journal: [SimulatedRecord] = []
    var stored: [LimitCounter] = []
    var storedCursor = 0

    // The projection that stores counters.
    var projection: LimitLedger
    var projected = 0

    /// How much happened, so that a simulation that tries nothing is seen.
    struct Counts {
        var steps = 0, admitted = 0, refused = 0, extended = 0, denied = 0, crashes = 0, jumps = 0, settled = 0, recovered = 0
        var atTheLimit = 0

        mutating func add(_ other: Counts) {
            steps += other.steps
            admitted += other.admitted
            refused += other.refused
            extended += other.extended
            denied += other.denied
            crashes += other.crashes
            jumps += other.jumps
            settled += other.settled
            recovered += other.recovered
            atTheLimit += other.atTheLimit
        }
    }

    init(seed: UInt64, zones: [String: TimeZoneRules]) throws {
        self.seed = seed
        dice = Dice(seed)
        rules = []
        for number in 0..<(1 + dice.below(6)) { rules.append(dice.rule(number)) }
        // In the order in which a refusal names them.
        book = try LimitBook(rules) { zones[$0] }
        rules = book.rules
        limitMost = rules.map(\.limit)
        grantedMost = rules.map { _ in 0 }
        ledger = LimitLedger(seed: seed)
        projection = LimitLedger(seed: seed &+ 1)
        hasJumps = dice.chance(30)
        hasCrashes = dice.chance(60)
        // Around the changes of clocks in spring and autumn, and the turn of a year.
        now = Timestamp(seconds: dice.pick([1_774_600_000, 1_792_800_000, 1_798_600_000, 1_772_900_000]) + dice.number(0...200_000))
    }

    mutating func run(steps: Int, zones: [String: TimeZoneRules]) throws(BrokenInvariant) -> Counts {
        for _ in 0..<steps {
            counts.steps += 1
            try step(zones)
            try check()
            if dice.chance(15) { try compare() }
        }
        while let turn = turns.first(where: \.isLive) {
            try advance(turn)
            try check()
        }
        try compare()
        try checkEnd()
        return counts
    }

    private mutating func step(_ zones: [String: TimeZoneRules]) throws(BrokenInvariant) {
        let live = turns.filter(\.isLive)
        mostAtOnce = max(mostAtOnce, live.count)
        switch dice.below(100) {
        case 0..<34: try come()
        case 34..<78: if !live.isEmpty { try advance(dice.pick(live)) } else { try come() }
        case 78..<88: pass(dice.chance(15) ? dice.number(3600...40 * 3600) : dice.number(0...90))
        case 88..<92: project(store: dice.chance(60))
        case 92..<94: ledger.sweep(under: book, at: now, count: 16)
        case 94: if hasJumps { jump() }
        case 95: try changeRule(zones)
        case 96: grant()
        case 97: if hasCrashes { crash() }
        default: pass(1)
        }
    }

    // MARK: Turns

    private mutating func come() throws(BrokenInvariant) {
        let turn = SimulatedTurn(&dice, at: now, boot: boot)
        turn.keys = rules.enumerated().map { recount.key($0.offset, $0.element, turn.facts, at: now) }
        switch ledger.admit(turn.facts, turn.demand, under: book, at: now) {
        case .granted(let reservation):
            try checkGranted(turn)
            turn.reservation = consume reservation
            turns.append(turn)
            counts.admitted += 1
            // Killed before the journal has it: nothing was sent, nothing is known.
            if crashesHere(2) {
                turn.phase = .void
                return
            }
            journal.append(.reserved(turn))
        case .refused(let refusal):
            counts.refused += 1
            try checkRefused(turn, refusal)
        case .wait(let until, let refusal):
            counts.refused += 1
            if until < now { throw fault("waits for the past") }
            try checkRefused(turn, refusal)
        }
    }

    private mutating func advance(_ turn: SimulatedTurn) throws(BrokenInvariant) {
        guard turn.phase == .sent else {
            if dice.chance(8) {
                journal.append(.void(turn))
                turn.reservation.take()?.void(at: now)
                turn.phase = .void
                return
            }
            journal.append(.sent(turn))
            turn.phase = .sent
            if crashesHere(2) { return }
            turn.didReachProvider = true
            return
        }
        if dice.chance(5) {
            // The provider refused it: it owes nothing.
            turn.didReachProvider = false
            settle(turn)
        } else if dice.chance(5) {
            // The client left, and the provider made a little more.
            turn.produced = min(turn.produced + dice.number(0...turn.tail), turn.output)
            settle(turn)
        } else {
            try stream(turn)
        }
    }

    private mutating func stream(_ turn: SimulatedTurn) throws(BrokenInvariant) {
        let next = min(turn.output, turn.produced + turn.piece)
        if next > turn.heldOutput, isElastic(turn) {
            let wanted = min(turn.outputBound, next + turn.piece)
            let before = turn.heldOutput
            switch turn.reservation?.extend(to: turn.amounts(wanted), at: now) ?? .granted {
            case .granted:
                counts.extended += 1
                try checkExtended(turn, from: before, to: wanted)
                turn.heldOutput = wanted
                journal.append(.extended(turn, output: wanted))
                if crashesHere(2) { return }
            case .denied(let policy, let refusal):
                counts.denied += 1
                try checkDenied(turn, to: wanted, refusal)
                if policy == .finishTurn { throw fault("a turn that is to be finished is cut") }
                cut(turn, at: policy == .finishBlock ? min(turn.output, turn.heldOutput) : turn.produced)
                return
            }
        }
        turn.produced = next
        if turn.produced >= turn.output { settle(turn) }
    }

    /// The upstream is closed, and makes a little more before it stops.
    private mutating func cut(_ turn: SimulatedTurn, at output: Int64) {
        turn.produced = min(turn.output, output + dice.number(0...turn.tail))
        settle(turn)
    }

    private mutating func settle(_ turn: SimulatedTurn) {
        // Killed when the provider is done and the journal does not know it.
        if crashesHere(2) { return }
        journal.append(.settled(turn, turn.used))
        if crashesHere(2) { return }
        let used = turn.used
        _ = turn.reservation.take()?.settle(used, at: now)
        turn.phase = .settled(used)
        counts.settled += 1
    }

    func isElastic(_ turn: SimulatedTurn) -> Bool {
        rules.indices.contains { turn.keys[$0] != nil && rules[$0].mode == .elastic && NaiveRecount.isEnforced(rules[$0]) }
    }

    // MARK: The world

    private mutating func pass(_ seconds: Int64) { now = now.adding(seconds: seconds) }

    /// Clocks go wrong by hours, and right again.
    private mutating func jump() {
        let next = dice.chance(40) ? 0 : dice.number(-11 * 3600...11 * 3600)
        now = now.adding(seconds: next - skew)
        skew = next
        counts.jumps += 1
    }

    private mutating func changeRule(_ zones: [String: TimeZoneRules]) throws(BrokenInvariant) {
        let place = dice.below(rules.count)
        guard !NaiveRecount.isRate(rules[place]) else { return }
        rules[place].limit = rules[place].limit * dice.number(50...200) / 100
        limitMost[place] = max(limitMost[place], rules[place].limit)
        do {
            book = try LimitBook(rules) { zones[$0] }
        } catch {
            throw fault("\(error)")
        }
        ledger.adopt(book)
    }

    private mutating func grant() {
        guard let key = recount.keys.indices.randomElement(using: &dice) else { return }
        let (place, group) = (recount.keys[key].rule, recount.keys[key].group)
        guard !NaiveRecount.isRate(rules[place]) else { return }
        let start = recount.windowStart(place, rules[place], at: now)
        let total = rules[place].limit / 4 + 1
        grantedMost[place] = max(grantedMost[place], total)
        guard ledger.grant(rule: rules[place].id, group: group, total: total, under: book, at: now) else { return }
        recount.granted[recount.number(.init(rule: place, group: group, windowStart: start))] = total
    }

    // MARK: Crashes

    private mutating func crashesHere(_ percent: Int) -> Bool {
        guard hasCrashes, dice.chance(percent) else { return false }
        crash()
        return true
    }

    /// Kills the server and starts it again from what is stored.
    private mutating func crash() {
        counts.crashes += 1
        boot += 1
        for turn in turns where turn.isLive {
            // The memory is gone, and the reservation with it; it must not be posted to the ledger that is dead.
            turn.reservation.take()?.void(at: now)
        }
        ledger = LimitLedger(seed: seed &+ UInt64(boot))
        projection = LimitLedger(seed: seed &+ 1)
        projected = storedCursor
        projection.restore(stored, under: book)
        _ = ledger.restore(stored, under: book)
        // Records may be delivered again, and from before the cursor.
        let from = dice.chance(30) ? storedCursor / 2 : storedCursor
        for _ in 0..<(dice.chance(20) ? 2 : 1) { replay(from: from) }
        recover()
        for (key, total) in recount.granted.sorted(by: { $0.key < $1.key }) {
            let (place, group) = (recount.keys[key].rule, recount.keys[key].group)
            if recount.windowStart(place, rules[place], at: now) == recount.keys[key].windowStart {
                _ = ledger.grant(rule: rules[place].id, group: group, total: total, under: book, at: now)
            } else {
                recount.granted[key] = nil
            }
        }
        if dice.chance(30) { pass(dice.number(0...3600)) }
    }

    private func replay(from: Int) {
        for index in from..<journal.count {
            guard case .settled(let turn, let amounts) = journal[index] else { continue }
            ledger.replay(turn.facts, amounts, admitted: turn.admitted, version: UInt64(index + 1), under: book, at: now)
        }
    }

    /// Turns that the journal left open: void where nothing was sent, else posted at what they can have cost.
    private mutating func recover() {
        var open: [ObjectIdentifier: (turn: SimulatedTurn, isSent: Bool, output: Int64)] = [:]
        for record in journal {
            switch record {
            case .reserved(let turn): open[ObjectIdentifier(turn)] = (turn, false, turn.heldOutput0)
            case .sent(let turn): open[ObjectIdentifier(turn)]?.isSent = true
            case .extended(let turn, let output): open[ObjectIdentifier(turn)]?.output = output
            case .settled(let turn, let amounts):
                open[ObjectIdentifier(turn)] = nil
                turn.phase = .settled(amounts)
            case .void(let turn): open[ObjectIdentifier(turn)] = nil
            }
        }
        for turn in turns where turn.isLive {
            guard let left = open[ObjectIdentifier(turn)], left.isSent else {
                turn.phase = .void
                continue
            }
            let output = isElastic(turn) ? min(turn.outputBound, left.output + turn.tail) : turn.outputBound
            let amounts = turn.amounts(output)
            // Closing its connection stops the provider, which has made a little more.
            if turn.didReachProvider { turn.produced = min(turn.output, turn.produced + dice.number(0...turn.tail), output) }
            journal.append(.settled(turn, amounts))
            ledger.replay(turn.facts, amounts, admitted: turn.admitted, version: UInt64(journal.count), under: book, at: now)
            turn.phase = .settled(amounts)
            counts.recovered += 1
        }
    }

    /// The projection reads on, and now and then stores counters with its cursor.
    private mutating func project(store: Bool) {
        for index in projected..<journal.count {
            guard case .settled(let turn, let amounts) = journal[index] else { continue }
            projection.replay(turn.facts, amounts, admitted: turn.admitted, version: UInt64(index + 1), under: book, at: now)
        }
        projected = journal.count
        guard store else { return }
        stored = allCounters(of: projection)
        storedCursor = projected
    }

    func allCounters(of ledger: LimitLedger) -> [LimitCounter] {
        var counters: [LimitCounter] = []
        var place: Int? = 0
        while let from = place {
            let page = ledger.counters(under: book, from: from, max: 64, at: now)
            counters += page.counters
            place = page.next
        }
        return counters
    }

    func fault(_ text: String) -> BrokenInvariant { BrokenInvariant(description: "seed \(seed), step \(counts.steps): \(text)") }
}

extension Dice: RandomNumberGenerator {}

extension SimulatedTurn {
    /// What elastic limits held at first.
    var heldOutput0: Int64 { min(piece, outputBound) }
}
