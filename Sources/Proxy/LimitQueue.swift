// LimitQueue: turns that wait for a rate or a place instead of failing: an agent would rather wait a second than fail. One line for
// each key, so that a key with many requests delays its own alone; bounded, and each turn with a deadline.

import GatewayModel
import NIOCore
import Policy

/// The turns of one event loop that wait for their limits.
struct LimitQueue {
    /// By key, in the order in which they came.
    private var lines: [String: [Exchange]] = [:]
    /// Turns of one key that may wait on one event loop.
    static let lineMax = 64
    /// How often the first of a line asks again: a place that came free on another event loop tells nobody.
    static let pollMilliseconds: Int64 = 50

    mutating func join(_ exchange: Exchange, _ key: String) -> Bool {
        guard lines[key]?.contains(where: { $0 === exchange }) != true else { return true }
        guard lines[key]?.count ?? 0 < Self.lineMax else { return false }
        lines[key, default: []].append(exchange)
        return true
    }

    mutating func leave(_ exchange: Exchange, _ key: String) {
        lines[key]?.removeAll { $0 === exchange }
        if lines[key]?.isEmpty == true { lines[key] = nil }
    }

    func isFirst(_ exchange: Exchange, _ key: String) -> Bool { lines[key]?.first === exchange }
}

/// A turn's wait for its limits.
struct LimitWait {
    var deadline: Timestamp
    var refusal: LimitRefusal
}

extension Exchange {
    /// Lines up, or refuses when the line is full or the turn has waited long enough.
    func waitForLimits(until: Timestamp, _ refusal: LimitRefusal, at now: Timestamp) throws(GatewayError) {
        let key = keyID ?? ""
        let wait = limitWait ?? LimitWait(deadline: now.adding(milliseconds: longestWait(refusal)), refusal: refusal)
        guard now < wait.deadline, client != nil, loop.limitQueue.join(self, key) else {
            leaveLimitQueue()
            throw .limited(LimitNotice(refusal, snapshot.limitBook, at: now))
        }
        limitWait = wait
        phase = .waiting
        // The wait has its own end.
        deadline = .distantFuture
        let next = min(until, wait.deadline)
        let left = max(1, min(LimitQueue.pollMilliseconds, (next.nanoseconds - now.nanoseconds) / 1_000_000 + 1))
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.scheduleTask(in: .milliseconds(left)) { bound.value.askLimitsAgain() }
    }

    /// How long the rules that are in the way let a turn wait, in milliseconds.
    private func longestWait(_ refusal: LimitRefusal) -> Int64 {
        refusal.failures.compactMap { failure in
            snapshot.limitBook.rules.first { $0.id == failure.rule }?.waitMillisecondsMax
        }.min() ?? 0
    }

    private func askLimitsAgain() {
        guard phase == .waiting, let wait = limitWait, client != nil else {
            leaveLimitQueue()
            return
        }
        do throws(GatewayError) {
            guard loop.limitQueue.isFirst(self, keyID ?? "") else {
                try waitForLimits(until: wait.deadline, wait.refusal, at: loop.shared.clock.now())
                return
            }
            guard try takeLimits() else { return }
            leaveLimitQueue()
            try reserve(target.endpoint ?? .chatCompletions)
        } catch {
            leaveLimitQueue()
            fail(error)
        }
    }

    func leaveLimitQueue() {
        guard limitWait != nil else { return }
        loop.limitQueue.leave(self, keyID ?? "")
    }
}

extension Timestamp {
    fileprivate func adding(milliseconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds.addingReportingOverflow(milliseconds &* 1_000_000).partialValue)
    }
}
