// ResponseRelay: what an exchange knows of its response while it passes.

import Dialects
import NIOCore
import WireFormat

/// The state of one response. A class, so that a member can be lent out while others are read and counted. See decision 0005.
final class ResponseRelay {
    /// How the body goes to the client.
    enum Mode {
        /// A whole answer that is not a stream is held, up to a bound, so that its head can carry the cost.
        case held
        /// Bytes go on as they came, chunk framing included.
        case verbatim
        /// Payload is taken out of its framing and framed again, because one event is withheld or the upstream delimits
        /// its body by closing.
        case reframed
    }

    @exclusivity(unchecked) var headBytes = ByteBuffer()
    @exclusivity(unchecked) var scanner = HTTPHeadScanner()
    @exclusivity(unchecked) var head: HTTPResponseHead?
    @exclusivity(unchecked) var mode = Mode.verbatim
    /// What of a length-delimited body has not come.
    @exclusivity(unchecked) var remaining = 0
    @exclusivity(unchecked) var withholds = false
    /// The client's response head until it is sent, without its framing and its empty line.
    @exclusivity(unchecked) var clientHead = ByteBuffer()
    @exclusivity(unchecked) var heldBody = ByteBuffer()
    /// Whether a byte went to the client: from then on nothing can be tried again.
    @exclusivity(unchecked) var hasStarted = false
    @exclusivity(unchecked) var isSettled = false
    /// An error answer of a route's deployment: it goes to the client only when nothing else is tried.
    var isErrorHeld = false
    /// A whole answer is larger than what is held for translation.
    var isOversized = false
    @exclusivity(unchecked) var bytesOut: Int64 = 0
    @exclusivity(unchecked) var progressBytes: Int64 = 0

    /// Whole answers up to this many bytes are held.
    static let heldBytesMax = 1 << 20
}
