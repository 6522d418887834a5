// SessionInference: a session for clients that send none. Turns of one key that open with the same first user message belong
// together until they pause for longer than the idle gap.

import GatewayModel
import Synchronization

/// Generates session ids per (key, opener, idle gap).
final class SessionInference: Sendable {
    private struct Opener: Hashable {
        var keyID: String
        var hash: UInt64
    }

    private struct Session {
        var id: String
        var lastSeen: Timestamp
    }

    private let sessions = Mutex<[Opener: Session]>([:])
    private let idleGapSeconds: Int64
    private let countMax: Int

    init(idleGapSeconds: Int64 = 1800, countMax: Int = 20_000) {
        self.idleGapSeconds = idleGapSeconds
        self.countMax = countMax
    }

    func infer(keyID: String, opener: UInt64, at time: Timestamp) -> Label {
        let key = Opener(keyID: keyID, hash: opener)
        let id = sessions.withLock { sessions in
            if let known = sessions[key], time < known.lastSeen.adding(seconds: idleGapSeconds) {
                sessions[key]?.lastSeen = time
                return known.id
            }
            if sessions.count >= countMax {
                let oldest = time.adding(seconds: -idleGapSeconds)
                sessions = sessions.filter { $0.value.lastSeen > oldest }
                // Everything is recent: forget it all rather than grow; the sessions go on under new ids.
                if sessions.count >= countMax { sessions.removeAll(keepingCapacity: true) }
            }
            let seconds = String(time.seconds, radix: 36)
            // The key is in it too: two developers with one prompt have two sessions.
            let own = keyID.utf8.reduce(opener) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            let made = "inferred-\(seconds)-\(String(own, radix: 36))"
            sessions[key] = Session(id: made, lastSeen: time)
            return made
        }
        return Label(id, .inferred)
    }
}
