// JournalThread: the journal's one background thread. It sleeps until there is something to sync.

import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A thread that gathers and runs `body`, for as long as that finds work, and then when it is woken.
final class JournalThread: Sendable {
    private let isAwake = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let semaphore = Semaphore()

    /// Rounds without work before the thread sleeps: who appends in a steady flow wakes nobody, which costs it more than the append.
    private static let quietRoundsMax = 4

    /// - Parameters:
    ///   - gather: lets time pass, so that a round finds more; gives whether it did.
    ///   - body: one round; gives whether there was work.
    func start(gather: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () -> Bool) {
        let box = Unmanaged.passRetained(
            ThreadBody { [self] in
                var quietRounds = 0
                while !isStopped.load(ordering: .acquiring) {
                    let hasGathered = gather()
                    quietRounds = body() ? 0 : quietRounds + 1
                    if quietRounds == 0 || (hasGathered && quietRounds < Self.quietRoundsMax) { continue }
                    // Who wakes it from here on signals, and the wait takes that: this `body` may not have seen what that was for.
                    isAwake.store(false, ordering: .sequentiallyConsistent)
                    if !body(), !isStopped.load(ordering: .acquiring) { semaphore.wait() }
                    isAwake.store(true, ordering: .sequentiallyConsistent)
                    quietRounds = 0
                }
                hasEnded.store(true, ordering: .releasing)
            })
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        if failure != 0 {
            box.release()
            hasEnded.store(true, ordering: .releasing)
        } else {
            pthread_detach(thread)
        }
    }

    /// Cheap while the thread is awake: one exchange of a flag.
    func wake() {
        if !isAwake.exchange(true, ordering: .sequentiallyConsistent) { semaphore.signal() }
    }

    /// Ends the thread after its present round and waits for it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        semaphore.signal()
        while !hasEnded.load(ordering: .acquiring) { usleep(500) }
    }
}

private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// A POSIX semaphore.
///
/// Sendable without a check: `sem_t` may be used from any thread, and its memory lives as long as this object.
private final class Semaphore: @unchecked Sendable {
    private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(pointer, 0, 0) }

    deinit {
        sem_destroy(pointer)
        pointer.deallocate()
    }

    func signal() { sem_post(pointer) }

    func wait() { while sem_wait(pointer) != 0 && errno == EINTR {} }
}
