// StreamGate: the last place before the client in a stream that may have to end early: whole events pass, and when it is told to stop it
// writes the end that the dialect gives an answer which has reached its length, so that an agent takes what it got and goes on.

package import GatewayModel
import WireFormat

/// A stream in the client's dialect that can be ended cleanly.
package struct StreamGate: Sendable {
    /// What is to be done behind an event.
    package enum Decision: Sendable {
        case goOn, stop
    }

    private var framer: SSEFramer
    private var ending: any StreamEnding & Sendable
    /// The end was written: nothing passes any more.
    package private(set) var isStopped = false

    /// Whether the streams of an endpoint's dialect have an end that can be written before theirs.
    package static func ends(_ endpoint: Endpoint) -> Bool {
        endpoint.dialect == .openAIChat || endpoint.dialect == .anthropicMessages || endpoint.dialect == .openAIResponses
    }

    /// Nil for dialects whose streams have no such end.
    ///
    /// - Parameters:
    ///   - includesUsage: the client of chat completions wants the usage of its stream.
    ///   - created: seconds since 1970, for an answer that has not begun.
    package init?(_ endpoint: Endpoint, model: String, id: String, created: Int64, includesUsage: Bool, eventBytesMax: Int) {
        switch endpoint.dialect {
        case .openAIChat: ending = ChatEnding(model: model, id: id, created: created, includesUsage: includesUsage)
        case .anthropicMessages: ending = MessagesEnding()
        case .openAIResponses: ending = ResponsesEnding(model: model, id: id, created: created)
        default: return nil
        }
        framer = SSEFramer(eventBytesMax: eventBytesMax)
    }

    /// Passes the events that are whole. `decide` is asked behind each; `endsBlock` says that a text, thinking or tool call is whole there.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, into out: inout [UInt8], usage: () -> TokenUsage, decide: (_ endsBlock: Bool) -> Decision
    ) {
        guard !isStopped else { return }
        var framer = framer
        var ending = ending
        var stops = false
        framer.read(bytes, passed: { if !stops { out.append(contentsOf: $0) } }) { event in
            guard !stops else { return }
            out.append(contentsOf: event.raw)
            let endsBlock = ending.see(name: event.name, data: event.data)
            // An answer that has said why it ends is let end.
            guard !ending.isEnding, decide(endsBlock) == .stop else { return }
            ending.write(usage(), into: &out)
            stops = true
        }
        self.framer = framer
        self.ending = ending
        isStopped = stops
    }

    /// What has come of an event that is not whole; the stream is over.
    package mutating func finish(into out: inout [UInt8]) {
        guard !isStopped else { return }
        framer.finish { out.append(contentsOf: $0.raw) }
    }
}

/// What a dialect's stream needs to be ended: what is open in it.
protocol StreamEnding {
    /// The answer has said itself why it ends.
    var isEnding: Bool { get }
    /// True when a block is whole behind this event.
    mutating func see(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) -> Bool
    /// The events with which an answer ends that has reached its length.
    mutating func write(_ usage: TokenUsage, into out: inout [UInt8])
}

extension [UInt8] {
    /// Appends an event; `name` is left out where the dialect does not name its events.
    mutating func append(event name: StaticString?, _ data: [UInt8]) {
        if let name { append(contentsOf: Array("event: \(name)\n".utf8)) }
        append(contentsOf: Array("data: ".utf8))
        append(contentsOf: data)
        append(contentsOf: [10, 10])
    }
}
