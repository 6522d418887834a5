// AnswerFramer: cuts an answer into events, in the framing of its dialect.

import GatewayModel
import WireFormat

/// How the events of a dialect's stream are framed.
enum AnswerFraming: Sendable {
    case sse
    case awsEventStream
    /// JSON objects, one a line or the elements of an array.
    case objects
}

/// One framer of any kind.
struct AnswerFramer: Sendable {
    private enum Framer: Sendable {
        case sse(SSEFramer)
        case aws(AWSEventFramer)
        case objects(JSONValueFramer)
    }

    typealias Body = (_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) -> Void

    private var framer: Framer
    private var hasReportedDamage = false

    init(_ framing: AnswerFraming, eventBytesMax: Int) {
        framer =
            switch framing {
            case .sse: .sse(SSEFramer(eventBytesMax: eventBytesMax))
            case .awsEventStream: .aws(AWSEventFramer(payloadBytesMax: eventBytesMax))
            case .objects: .objects(JSONValueFramer(valueBytesMax: eventBytesMax))
            }
    }

    /// Reads bytes; `body` gets each event that ends in them.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ body: Body) {
        switch framer {
        case .sse(var sse):
            // Held in two places, its memory would be copied.
            framer = .sse(SSEFramer(eventBytesMax: 16))
            sse.read(bytes) { if !$0.data.isEmpty { body($0.name, $0.data) } }
            framer = .sse(sse)
        case .aws(var aws):
            framer = .aws(AWSEventFramer())
            aws.read(bytes) { Self.give($0, body) }
            framer = .aws(aws)
            reportDamage(aws.failure, body)
        case .objects(var objects):
            framer = .objects(JSONValueFramer(valueBytesMax: 16))
            objects.read(bytes) { body(UnsafeRawBufferPointer(rebasing: $0[0..<0]), $0) }
            framer = .objects(objects)
        }
    }

    /// The stream is over.
    mutating func finish(_ body: Body) {
        switch framer {
        case .sse(var sse):
            sse.finish { if !$0.data.isEmpty { body($0.name, $0.data) } }
            framer = .sse(sse)
        case .aws(let aws):
            // A message that is cut short is a stream that is cut short, which the caller sees.
            reportDamage(aws.failure, body)
        case .objects: break
        }
    }

    /// An error has no payload: its message stands in a header.
    private static func give(_ event: AWSEvent, _ body: Body) {
        guard event.kind == .error else {
            body(event.name, event.data)
            return
        }
        fail(String(decoding: event.data, as: UTF8.self), body)
    }

    private mutating func reportDamage(_ failure: AWSEventStreamError?, _ body: Body) {
        guard failure != nil, !hasReportedDamage else { return }
        hasReportedDamage = true
        Self.fail("the provider's event stream is damaged", body)
    }

    private static func fail(_ message: String, _ body: Body) {
        Array("error".utf8).withUnsafeBytes { name in messageBody(message).withUnsafeBytes { body(name, $0) } }
    }
}
