// JSONError: why bytes are not the JSON that Weir may act on.

/// A refusal of the scanner.
public enum JSONError: Error, Sendable, Hashable {
    /// Not JSON (RFC 8259); `offset` counts bytes from the start of the text.
    case malformed(offset: Int, reason: String)
    /// Nested deeper than the limit.
    case tooDeep(max: Int)
}
