// DialectKit: the framing of each dialect's streams, for tests that read what was written.

import Dialects
import GatewayModel
import WireFormat

/// Gives each event of a stream, by name and data.
func visitEvents(
    _ stream: [UInt8], _ dialect: Dialect, _ body: (_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) -> Void
) {
    stream.withUnsafeBytes { bytes in
        if dialect.isBedrock {
            var framer = AWSEventFramer()
            framer.read(bytes) { body($0.name, $0.data) }
        } else if dialect == .ollama {
            var objects = JSONValueFramer(valueBytesMax: 1 << 20)
            objects.read(bytes) { body(UnsafeRawBufferPointer(rebasing: $0[0..<0]), $0) }
        } else {
            var framer = SSEFramer(eventBytesMax: 1 << 20)
            framer.read(bytes) { body($0.name, $0.data) }
        }
    }
}
