// Progress: a sign of life on standard error for what lasts over half a second, and only where a person watches.

import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// Runs `body`; after half a second a terminal shows how long it has been.
func withProgress<Result>(_ body: () async throws -> Result) async throws -> Result {
    guard isatty(STDERR_FILENO) == 1 else { return try await body() }
    let sign = Task {
        let start = ContinuousClock.now
        try await Task.sleep(for: .milliseconds(500))
        while true {
            let seconds = (ContinuousClock.now - start).components.seconds
            try? writeAll("\rworking… \(seconds) s", to: STDERR_FILENO)
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                try? writeAll("\r\u{1B}[K", to: STDERR_FILENO)
                return
            }
        }
    }
    defer { sign.cancel() }
    let result = try await body()
    sign.cancel()
    _ = await sign.result
    return result
}
