// HTTPHeadError: why a head or a chunk framing was refused. Each case is a rule of RFC 9112 kept to the letter, since every
// leniency is a way to smuggle a second request past somebody.

/// A refusal of HTTP/1.1 bytes.
package enum HTTPHeadError: Error, Sendable, Hashable {
    /// Over the byte or field limit: 431.
    case tooLarge
    case bareLineFeed
    case controlCharacter
    case malformedStartLine
    case unsupportedVersion
    case malformedFieldName
    case foldedField
    case missingHost
    case repeatedHost
    case hostDisagreesWithTarget
    case malformedTarget
    case repeatedContentLength
    case malformedContentLength
    case contentLengthWithTransferEncoding
    case unknownTransferEncoding
    case malformedChunk
    case chunkExtensionsTooLong
    case trailersTooLong

    /// One line that says what was wrong.
    package var reason: String {
        switch self {
        case .tooLarge: "the header block is too large"
        case .bareLineFeed: "a line ends in LF without CR"
        case .controlCharacter: "a control character stands in the header block"
        case .malformedStartLine: "the start line is malformed"
        case .unsupportedVersion: "only HTTP/1.1 is supported"
        case .malformedFieldName: "a header field name is malformed"
        case .foldedField: "a header field is folded over several lines"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "there is more than one Host header"
        case .hostDisagreesWithTarget: "the Host header and the request target disagree"
        case .malformedTarget: "the request target is malformed"
        case .repeatedContentLength: "there is more than one Content-Length"
        case .malformedContentLength: "the Content-Length is malformed"
        case .contentLengthWithTransferEncoding: "Content-Length and Transfer-Encoding stand together"
        case .unknownTransferEncoding: "only Transfer-Encoding: chunked is supported"
        case .malformedChunk: "the chunked encoding is malformed"
        case .chunkExtensionsTooLong: "the chunk extensions are too long"
        case .trailersTooLong: "the trailers are too long"
        }
    }
}
