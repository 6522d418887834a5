// HeadWriter: fills memory with the lines of a head. A ByteBuffer asks at each write whether it owns its memory and whether there is
// room; for the forty pieces of a head that costs more than the copying, so both are asked once.

import CSearch
import GatewayModel
import NIOCore
import WireFormat

/// A cursor in memory that is going to be a head. Writing behind its end is a trap, not a fault of memory.
struct HeadWriter: ~Copyable {
    private var place: UnsafeMutablePointer<UInt8>
    private let end: UnsafeMutablePointer<UInt8>

    fileprivate init(_ memory: UnsafeMutableBufferPointer<UInt8>, _ base: UnsafeMutablePointer<UInt8>) {
        place = base
        end = base + memory.count
    }

    /// Where the next byte goes, with room for so many.
    @inline(__always)
    private mutating func room(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(end - place >= count, "a head is longer than was reckoned")
        defer { place += count }
        return place
    }

    @inline(__always)
    mutating func literal(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        weir_copy_short(room(count), text.utf8Start, count)
    }

    @inline(__always)
    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        weir_copy_short(room(bytes.count), start.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    mutating func bytes(_ bytes: [UInt8]) { bytes.withUnsafeBytes { self.bytes($0) } }

    mutating func text(_ text: String) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { bytes(UnsafeRawBufferPointer($0)) }
        if isWritten == nil { bytes(Array(text.utf8)) }
    }

    /// Text that cannot break out of its line.
    mutating func safeText(_ text: String) {
        for byte in text.utf8 { room(1)[0] = byte < 32 || byte >= 127 ? 95 : byte }
    }

    mutating func integer(_ number: Int64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { memory in
            let count = memory.withMemoryRebound(to: UInt8.self) { $0.baseAddress.map { weir_json_integer($0, number) } ?? 0 }
            bytes(UnsafeRawBufferPointer(rebasing: memory[..<count]))
        }
    }

    mutating func id(_ id: RequestID) {
        id.write(into: UnsafeMutableRawBufferPointer(start: room(36), count: 36))
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
    /// Writes a piece of a head that takes at most `bytesMax`.
    mutating func writeHead(bytesMax: Int, _ write: (inout HeadWriter) -> Void) {
        _ = writeWithUnsafeMutableBytes(minimumWritableBytes: bytesMax) { memory in
            memory.withMemoryRebound(to: UInt8.self) { memory in
                guard let base = memory.baseAddress else { return 0 }
                var writer = HeadWriter(memory, base)
                write(&writer)
                return writer.count(from: base)
            }
        }
    }
}
