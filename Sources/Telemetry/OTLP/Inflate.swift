// Inflate: gzip (RFC 1952) into a bounded buffer. A kilobyte can inflate to a megabyte, so the output is what is limited.

import CZlib

/// What a gzip body holds, at most `bytesMax` of it.
package func inflateGzip(_ body: UnsafeRawBufferPointer, bytesMax: Int) throws(TelemetryError) -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, and 16 for gzip and nothing else.
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw .malformed("gzip cannot be read")
    }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    stream.next_in = UnsafeMutablePointer(mutating: body.bindMemory(to: UInt8.self).baseAddress)
    stream.avail_in = UInt32(clamping: body.count)
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let (status, count) = chunk.withUnsafeMutableBufferPointer { room in
            stream.next_out = room.baseAddress
            stream.avail_out = UInt32(room.count)
            let status = inflate(&stream, Z_NO_FLUSH)
            return (status, room.count - Int(stream.avail_out))
        }
        guard status == Z_OK || status == Z_STREAM_END else { throw .malformed("the gzip body is damaged or cut off") }
        guard output.count + count <= bytesMax else { throw .tooLarge(maxBytes: bytesMax) }
        output.append(contentsOf: chunk[0..<count])
        guard status == Z_STREAM_END else { continue }
        // Members may follow one another.
        if stream.avail_in == 0 { return output }
        guard inflateReset(&stream) == Z_OK else { throw .malformed("gzip cannot be read") }
    }
}
