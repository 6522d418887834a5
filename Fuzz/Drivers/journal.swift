// The libFuzzer entry of the `journal` target: segments in a folder of the process's own, any finding is a crash.

import Glibc
import JournalOracle

private let folder = "/tmp/weir-fuzz-journal-\(getpid())"

/// Called by libFuzzer with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    if let finding = checkJournal(Array(UnsafeBufferPointer(start: start, count: count)), folder: folder) {
        fatalError(finding)
    }
    return 0
}
