// HeadWriter: fills memory with the lines of a head. A ByteBuffer asks at each write whether it owns its memory and whether there is
// room; for the forty pieces of a head that costs more than the copying, so both are asked once.

import CSearch
import GatewayModel
import NIOCore
import WireFormat

/// A cursor in memory that is going to be a head. What has no room is not written, and then all of it is written again with more.
struct HeadWriter: ~Copyable {
    private var place: UnsafeMutablePointer<UInt8>
    private let end: UnsafeMutablePointer<UInt8>
    fileprivate private(set) var fits = true

    fileprivate init(_ memory: UnsafeMutableBufferPointer<UInt8>, _ base: UnsafeMutablePointer<UInt8>) {
        place = base
        end = base + memory.count
    }

    /// Where the next byte goes, with room for so many.
    @inline(__always)
    private mutating func room(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        guard fits, end - place >= count else {
            fits = false
            return nil
        }
        defer { place += count }
        return place
    }

    @inline(__always)
    mutating func literal(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        if let place = room(count) { weir_copy_short(place, text.utf8Start, count) }
    }

    @inline(__always)
    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, let place = room(bytes.count) else { return }
        weir_copy_short(place, start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    mutating func bytes(_ bytes: [UInt8]) { bytes.withUnsafeBytes { self.bytes($0) } }

    mutating func text(_ text: String) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { bytes(UnsafeRawBufferPointer($0)) }
        if isWritten == nil { bytes(Array(text.utf8)) }
    }

    /// Text that cannot break out of its line.
    mutating func safeText(_ text: String) {
        let isWritten: Void? =
            text.utf8.withContiguousStorageIfAvailable { safe in
                guard let start = safe.baseAddress, weir_is_printable(start, safe.count) != 0 else { return nil }
                bytes(UnsafeRawBufferPointer(safe))
            } ?? nil
        if isWritten == nil { bytes(text.utf8.map { $0 < 32 || $0 >= 127 ? 95 : $0 }) }
    }

    mutating func integer(_ number: Int64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { memory in
            let count = memory.withMemoryRebound(to: UInt8.self) { $0.baseAddress.map { weir_json_integer($0, number) } ?? 0 }
            bytes(UnsafeRawBufferPointer(rebasing: memory[..<count]))
        }
    }

    mutating func id(_ id: RequestID) {
        if let place = room(36) { id.write(into: UnsafeMutableRawBufferPointer(start: place, count: 36)) }
    }

    /// A field's line as it came: name, colon, value and line end lie together in a head.
    @inline(__always)
    mutating func line(_ field: HTTPFields.Field, of head: UnsafeRawBufferPointer) {
        let start = Int(field.nameStart)
        bytes(UnsafeRawBufferPointer(rebasing: head[start..<Int(field.valueStart + field.valueCount)]))
        literal("\r\n")
    }

    /// How much of the memory is filled.
    fileprivate func count(from base: UnsafeMutablePointer<UInt8>) -> Int { place - base }
}

extension ByteBuffer {
    /// Writes a piece of a head that takes about `bytesMax`. `write` is called again when that is too little.
    mutating func writeHead(bytesMax: Int, _ write: (inout HeadWriter) -> Void) {
        var bytesMax = bytesMax
        while true {
            var fits = false
            _ = writeWithUnsafeMutableBytes(minimumWritableBytes: bytesMax) { memory in
                memory.withMemoryRebound(to: UInt8.self) { memory in
                    guard let base = memory.baseAddress else { return 0 }
                    var writer = HeadWriter(memory, base)
                    write(&writer)
                    fits = writer.fits
                    return fits ? writer.count(from: base) : 0
                }
            }
            if fits { return }
            bytesMax *= 2
        }
    }
}
