// Guarded: a value behind a POSIX mutex. `Synchronization.Mutex` asks that nothing task-isolated meets its value; the journal's
// callers write into it by a closure of their own, so the lock is taken here by hand.

#if canImport(Glibc)
    import Glibc
#endif

/// A value that is only reached with its lock held.
///
/// Sendable without a check: every access to `value` lies between lock and unlock, and `body` cannot keep what it is lent.
final class Guarded<Value: ~Copyable>: @unchecked Sendable {
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init(_ value: consuming Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
