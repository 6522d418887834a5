// TimeZoneFiles: the rules of a time zone from the system's database, read once a zone.

import Foundation
package import Policy
import Synchronization

/// Zones that were read, and those that are not there.
private let known = Mutex<[String: TimeZoneRules?]>([:])

/// The rules of an IANA time zone; nil when the system knows none of that name.
package func timeZoneRules(_ name: String) -> TimeZoneRules? {
    if let found = known.withLock({ $0[name] }) { return found }
    let rules = read(name)
    known.withLock { $0[name] = .some(rules) }
    return rules
}

private func read(_ name: String) -> TimeZoneRules? {
    // A name is part of a path.
    let isName =
        !name.isEmpty && name.utf8.count <= 64 && !name.hasPrefix("/") && !name.contains("..")
        && name.utf8.allSatisfy {
            $0 == 43 || $0 == 45 || $0 == 47 || $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        }
    guard isName else { return nil }
    for folder in ["/usr/share/zoneinfo", "/usr/lib/zoneinfo"] {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
        do throws(TimeZoneRules.Fault) {
            return try TimeZoneRules(tzif: Array(data))
        } catch {
            return nil
        }
    }
    return nil
}
