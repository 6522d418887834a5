// ChunkedReader: the chunked transfer coding (RFC 9112, section 7.1) as a state machine over any split of the bytes. It tells
// payload from framing, so that a relay can pass both on untouched and still know what was said and when it ended.

/// Reads the chunked coding incrementally.
package struct ChunkedReader: Sendable {
    private enum State: Sendable {
        case sizeStart, size, sizeLineFeed
        case extensionNameStart, extensionName, extensionValueStart, extensionValue, quoted, quotedPair, quotedEnd
        case payload
        case payloadCarriageReturn, payloadLineFeed
        case trailerStart, trailerName, trailer, trailerLineFeed, endLineFeed
        case done
    }

    private var state = State.sizeStart
    private var remaining = 0
    private var digits = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    /// The first bytes of the trailer's name, enough to know those that would change the framing.
    private var trailerName: [UInt8] = []

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
            } else if byte == 59 {
                state = .extensionNameStart
                try countExtension()
            } else {
                throw .malformedChunk
            }
        case .extensionNameStart, .extensionName, .extensionValueStart, .extensionValue, .quoted, .quotedPair,
            .quotedEnd:
            try stepExtension(byte)
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
                trailerName.removeAll(keepingCapacity: true)
                state = .trailerName
                try stepTrailerName(byte)
            }
        case .trailerName:
            try stepTrailerName(byte)
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

    /// `;name`, `;name=token` or `;name="text"`, as the grammar says and no laxer: the framing is passed on, so a client's parser
    /// must read it alike.
    private mutating func stepExtension(_ byte: UInt8) throws(HTTPHeadError) {
        switch (state, byte) {
        case (.extensionName, 13), (.extensionValue, 13), (.quotedEnd, 13):
            state = .sizeLineFeed
            return
        case (.extensionName, 59), (.extensionValue, 59), (.quotedEnd, 59): state = .extensionNameStart
        case (.extensionName, 61): state = .extensionValueStart
        case (.extensionValueStart, 34): state = .quoted
        case (.quoted, 34): state = .quotedEnd
        case (.quoted, 92): state = .quotedPair
        case (.quoted, 9), (.quoted, 32...126), (.quotedPair, 9), (.quotedPair, 32...126): state = .quoted
        case (.extensionNameStart, _) where isTokenByte(byte): state = .extensionName
        case (.extensionName, _) where isTokenByte(byte): break
        case (.extensionValueStart, _) where isTokenByte(byte): state = .extensionValue
        case (.extensionValue, _) where isTokenByte(byte): break
        default: throw .malformedChunk
        }
        try countExtension()
    }

    /// A trailer that speaks of framing comes too late to be true (RFC 9110, section 6.5.1).
    private mutating func stepTrailerName(_ byte: UInt8) throws(HTTPHeadError) {
        try countTrailer(byte)
        if byte == 58, !trailerName.isEmpty {
            let changesFraming = trailerName.withUnsafeBytes {
                equalsIgnoringCase($0, "transfer-encoding") || equalsIgnoringCase($0, "content-length")
            }
            if changesFraming { throw .malformedChunk }
            state = .trailer
            return
        }
        guard isTokenByte(byte) else { throw .malformedChunk }
        if trailerName.count < 20 { trailerName.append(byte) }
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
