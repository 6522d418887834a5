// ResponseRelay: what an exchange knows of its response while it passes.

import Dialects
import NIOCore
import WireFormat

/// The state of one response. A class, so that each of its members is checked for exclusive access by itself: as members of a
/// struct, those that are read and counted with every chunk would share the checks of those that are lent out.
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

    var headBytes = ByteBuffer()
    var scanner = HTTPHeadScanner()
    var head: HTTPResponseHead?
    var mode = Mode.verbatim
    /// What of a length-delimited body has not come.
    var remaining = 0
    var withholds = false
    /// The client's response head until it is sent, without its framing and its empty line.
    var clientHead = ByteBuffer()
    var heldBody = ByteBuffer()
    /// Whether a byte went to the client: from then on nothing can be tried again.
    var hasStarted = false
    var isSettled = false
    /// A whole answer is larger than what is held for translation.
    var isOversized = false
    var bytesOut: Int64 = 0
    var progressBytes: Int64 = 0

    /// Whole answers up to this many bytes are held.
    static let heldBytesMax = 1 << 20
}
