// Failpoint: `WEIR_FAILPOINT=journal.append:<n>:before|torn|after` ends the process by SIGKILL in the n-th append, so that a
// test can crash it at every journal write. Without the variable it costs one comparison.

#if canImport(Glibc)
    import Glibc
#endif

/// Where a test wants the process to die.
struct Failpoint: Sendable {
    private let append: Int64
    private let moment: AppendMoment

    init(_ text: String?) {
        let parts = (text ?? "").split(separator: ":")
        guard parts.count == 3, parts[0] == "journal.append", let count = Int64(parts[1]) else {
            append = -1
            moment = .before
            return
        }
        append = count
        moment = parts[2] == "torn" ? .torn : parts[2] == "after" ? .after : .before
    }

    /// Whether the process shall end at this moment of this append.
    func isAt(_ sequence: Int64, _ moment: AppendMoment) -> Bool { sequence == append && moment == self.moment }
}

/// Ends the process as a crash would.
func endProcess() { kill(getpid(), SIGKILL) }
