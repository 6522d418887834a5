// CRC32: the checksum of zlib and of AWS event streams (ISO 3309, reflected polynomial 0xEDB88320), eight bytes a step.

/// The checksum of some bytes, going on from that of the bytes before them.
package func crc32(_ bytes: UnsafeRawBufferPointer, after earlier: UInt32 = 0) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
        var crc = ~earlier
        var index = 0
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
            var next: UInt32 = 0
            for step in 0..<8 {
                next ^= tables[(7 - step) &* 256 &+ Int(truncatingIfNeeded: (word >> UInt64(step &* 8)) & 0xFF)]
            }
            crc = next
            index += 8
        }
        while index < bytes.count {
            crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
            index += 1
        }
        return ~crc
    }
}

/// Eight tables of 256: the n-th is what a byte does with n zero bytes behind it.
private let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
        var crc = UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        tables[byte] = crc
    }
    for table in 1..<8 {
        for byte in 0..<256 {
            let before = tables[(table - 1) * 256 + byte]
            tables[table * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
    }
    return tables
}()
