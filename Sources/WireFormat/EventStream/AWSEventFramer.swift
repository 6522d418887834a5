// AWSEventFramer: cuts an AWS event stream into messages, however it was split on its way, and checks every checksum.

/// Frames messages incrementally. A message that lies whole in what was read is not copied.
package struct AWSEventFramer: Sendable {
    /// The protocol's own limits, in bytes.
    package static let headerBytesMax = 128 << 10
    package static let payloadBytesMax = 24 << 20
    /// Headers of one message; services send three to six.
    package static let headersMax = 64

    /// What has come of an unfinished message.
    private var carry: [UInt8] = []
    /// The length of the carried message, once its prelude was read.
    private var expected = 0
    private let payloadBytesMax: Int
    /// What was wrong with the stream. Nothing is framed after it.
    package private(set) var failure: AWSEventStreamError?

    /// - Parameter payloadBytesMax: a message with a larger payload is a failure.
    package init(payloadBytesMax: Int = AWSEventFramer.payloadBytesMax) {
        self.payloadBytesMax = max(16, min(payloadBytesMax, Self.payloadBytesMax))
    }

    /// Reads bytes; `body` gets each message that ends in them.
    package mutating func read(_ bytes: UnsafeRawBufferPointer, _ body: (AWSEvent) -> Void) {
        var rest = bytes
        while !rest.isEmpty, failure == nil {
            if carry.isEmpty, rest.count >= 12 {
                let total = length(rest)
                guard failure == nil else { return }
                if rest.count >= total {
                    take(UnsafeRawBufferPointer(rebasing: rest[0..<total]), body)
                    rest = UnsafeRawBufferPointer(rebasing: rest[total...])
                    continue
                }
                expected = total
            }
            let wanted = carry.count < 12 && expected == 0 ? 12 - carry.count : expected - carry.count
            let count = min(wanted, rest.count)
            carry.append(contentsOf: rest[0..<count])
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            if expected == 0, carry.count == 12 {
                expected = carry.withUnsafeBytes { length($0) }
            } else if expected > 0, carry.count == expected {
                let whole = carry
                carry = []
                expected = 0
                whole.withUnsafeBytes { take($0, body) }
            }
        }
    }

    /// The stream has ended: a message that is not whole is a failure.
    package mutating func finish() {
        if !carry.isEmpty { fail(.truncated) }
        carry = []
    }

    /// The length that a prelude says, or 0 and a failure.
    private mutating func length(_ prelude: UnsafeRawBufferPointer) -> Int {
        let total = Int(word(prelude, 0))
        let headers = Int(word(prelude, 4))
        guard crc32(UnsafeRawBufferPointer(rebasing: prelude[0..<8])) == word(prelude, 8) else {
            fail(.preludeChecksum)
            return 0
        }
        guard headers <= Self.headerBytesMax, total >= headers + 16, total - headers - 16 <= payloadBytesMax else {
            fail(.length)
            return 0
        }
        return total
    }

    private mutating func take(_ message: UnsafeRawBufferPointer, _ body: (AWSEvent) -> Void) {
        let end = message.count - 4
        guard crc32(UnsafeRawBufferPointer(rebasing: message[0..<end])) == word(message, end) else { return fail(.messageChecksum) }
        do throws(AWSEventStreamError) {
            body(try AWSEvent(message, headersBytes: Int(word(message, 4))))
        } catch {
            fail(error)
        }
    }

    private mutating func fail(_ error: AWSEventStreamError) {
        failure = failure ?? error
        carry = []
        expected = 0
    }

    private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
