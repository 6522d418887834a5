// ChunkedReader: the chunked transfer coding (RFC 9112, section 7.1) as a state machine over any split of the bytes. It tells
// payload from framing, so that a relay can pass both on untouched and still know what was said and when it ended.

/// Reads the chunked coding incrementally.
package struct ChunkedReader: Sendable {
    private enum State: Sendable {
        case sizeStart, size, extensions, sizeLineFeed
        case payload
        case payloadCarriageReturn, payloadLineFeed
        case trailerStart, trailer, trailerLineFeed, endLineFeed
        case done
    }

    private var state = State.sizeStart
    private var remaining = 0
    private var digits = 0
    private var extensionBytes = 0
    private var trailerBytes = 0

    /// Extension bytes tolerated in one body; nothing real sends any.
    private static let extensionBytesMax = 4096
    private static let trailerBytesMax = 16_384

    package init() {}

    /// Whether the last chunk and its trailers have been read.
    package var isDone: Bool {
        if case .done = state { return true }
        return false
    }

    /// Reads as much as belongs to this body and returns how many bytes that was; `payload` gets each slice of content.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, payload: (UnsafeRawBufferPointer) -> Void
    ) throws(HTTPHeadError) -> Int {
        var index = 0
        while index < bytes.count {
            if case .payload = state {
                let count = min(remaining, bytes.count - index)
                payload(UnsafeRawBufferPointer(rebasing: bytes[index..<index + count]))
                remaining -= count
                index += count
                if remaining == 0 { state = .payloadCarriageReturn }
                continue
            }
            if case .done = state { return index }
            try step(bytes[index])
            index += 1
        }
        return index
    }

    private mutating func step(_ byte: UInt8) throws(HTTPHeadError) {
        switch state {
        case .sizeStart, .size:
            if let digit = hexValue(byte) {
                // 15 hex digits cannot overflow Int; longer sizes are nobody's honest chunk.
                guard digits < 15 else { throw .malformedChunk }
                digits += 1
                remaining = remaining << 4 | digit
                state = .size
            } else if digits == 0 {
                throw .malformedChunk
            } else if byte == 13 {
                state = .sizeLineFeed
            } else if byte == 59 || byte == 32 || byte == 9 {
                state = .extensions
                try countExtension()
            } else {
                throw .malformedChunk
            }
        case .extensions:
            if byte == 13 {
                state = .sizeLineFeed
            } else if byte < 32 && byte != 9 || byte == 127 {
                throw .malformedChunk
            } else {
                try countExtension()
            }
        case .sizeLineFeed:
            guard byte == 10 else { throw .malformedChunk }
            digits = 0
            state = remaining == 0 ? .trailerStart : .payload
        case .payloadCarriageReturn:
            guard byte == 13 else { throw .malformedChunk }
            state = .payloadLineFeed
        case .payloadLineFeed:
            guard byte == 10 else { throw .malformedChunk }
            state = .sizeStart
        case .trailerStart:
            if byte == 13 {
                state = .endLineFeed
            } else {
                try countTrailer(byte)
                state = .trailer
            }
        case .trailer:
            if byte == 13 { state = .trailerLineFeed } else { try countTrailer(byte) }
        case .trailerLineFeed:
            guard byte == 10 else { throw .malformedChunk }
            state = .trailerStart
        case .endLineFeed:
            guard byte == 10 else { throw .malformedChunk }
            state = .done
        case .payload, .done: break
        }
    }

    private mutating func countExtension() throws(HTTPHeadError) {
        extensionBytes += 1
        if extensionBytes > Self.extensionBytesMax { throw .chunkExtensionsTooLong }
    }

    private mutating func countTrailer(_ byte: UInt8) throws(HTTPHeadError) {
        guard byte >= 32 && byte != 127 || byte == 9 else { throw .malformedChunk }
        trailerBytes += 1
        if trailerBytes > Self.trailerBytesMax { throw .trailersTooLong }
    }
}

private func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case 48...57: Int(byte) - 48
    case 97...102: Int(byte) - 87
    case 65...70: Int(byte) - 55
    default: nil
    }
}
