// OutputTests: what cannot be written is told, and ends nothing by a trap.

import Commands
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct OutputTests {
    /// The reading and the writing end of a pipe.
    private func ends() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        let made = pipe(&ends)
        try #require(made == 0)
        return (ends[0], ends[1])
    }

    @Test func aReaderThatHasGoneIsTold() throws {
        // As the program does; else the signal would end the tests.
        signal(SIGPIPE, SIG_IGN)
        let (reading, writing) = try ends()
        close(reading)
        defer { close(writing) }
        #expect(throws: OutputFailure.closed) { try writeAll("a line\n", to: writing) }
    }

    @Test func aFullDiskIsTold() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        defer { close(full) }
        #expect(throws: OutputFailure.failed("No space left on device")) { try writeAll("a line\n", to: full) }
        #expect(throws: Never.self) { try writeAll("", to: full) }
    }

    @Test func moreThanAPipeHoldsIsWrittenWholeAlsoWhereWritingDoesNotWait() throws {
        let text = String(repeating: "maría, 12,408 turns\n", count: 20_000)
        let (reading, writing) = try ends()
        let isSet = fcntl(writing, F_SETFL, O_NONBLOCK) == 0
        try #require(isSet)
        Thread.detachNewThread {
            try? writeAll(text, to: writing)
            close(writing)
        }
        let read = try FileHandle(fileDescriptor: reading, closeOnDealloc: true).readToEnd()
        #expect(read == Data(text.utf8))
    }
}
