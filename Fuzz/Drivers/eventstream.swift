// The libFuzzer entry of the `eventstream` target: any finding of its oracle is a crash.

import FuzzOracles

/// Called by libFuzzer with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    if let finding = checkEventStream(Array(UnsafeBufferPointer(start: start, count: count))) { fatalError(finding) }
    return 0
}
