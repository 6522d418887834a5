// RequestBodyReader: gathers a request body however it is framed, and stops at the limit.

import NIOCore
import WireFormat

/// Reads one request body from the connection's pending bytes.
struct RequestBodyReader {
    private var framing: HTTPBodyFraming
    private var remaining: Int
    private var total = 0
    private let bytesMax: Int
    private var chunks = ChunkedReader()
    private(set) var isDone = false
    private(set) var isOverLimit = false

    init(_ framing: HTTPBodyFraming, bytesMax: Int) {
        self.framing = framing
        self.bytesMax = bytesMax
        switch framing {
        case .length(let count):
            remaining = count
            isDone = count == 0
            isOverLimit = count > bytesMax
        case .chunked:
            remaining = 0
        case .none, .untilClose:
            remaining = 0
            isDone = true
        }
    }

    /// How many bytes are sure to come, where the head said so.
    var bytesToCome: Int { isOverLimit ? 0 : remaining }

    /// So many of them went to the exchange by another way.
    mutating func took(_ count: Int) {
        remaining -= count
        isDone = remaining == 0
    }

    /// Moves what belongs to this body from `pending` to the exchange.
    mutating func read(_ pending: inout ByteBuffer, into exchange: Exchange) throws(HTTPHeadError) {
        guard !isDone, pending.readableBytes > 0 else { return }
        switch framing {
        case .length(let count):
            let take = min(remaining, pending.readableBytes)
            remaining -= take
            isDone = remaining == 0
            if isDone, take == count, pending.readableBytes == take {
                // The usual small request: the body is the rest of what was read, and no byte moves.
                exchange.takeBody(pending.readSlice(length: take) ?? ByteBuffer())
            } else {
                exchange.appendBody(&pending, count: take, expected: count)
            }
        case .chunked:
            var received = 0
            let consumed = try pending.withUnsafeReadableBytes { bytes throws(HTTPHeadError) in
                try chunks.read(bytes) { slice in
                    received += slice.count
                    exchange.appendBody(slice)
                }
            }
            pending.moveReaderIndex(forwardBy: consumed)
            total += received
            isOverLimit = total > bytesMax
            isDone = chunks.isDone
        case .none, .untilClose: break
        }
    }
}
