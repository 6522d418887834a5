// EventStreamOracle: what must hold of the AWS framer, the writer and the readers of Bedrock's answers for any bytes: a split changes
// nothing, what is framed is written again to the byte, and no count is negative.

import Dialects
import GatewayModel
import WireFormat

/// Frames pieces: each message in text, every byte of them, and the failure.
private func frame(_ pieces: [[UInt8]]) -> (messages: [String], raw: [UInt8], failure: AWSEventStreamError?, rewritten: Bool) {
    var framer = AWSEventFramer(payloadBytesMax: 1 << 16)
    var messages: [String] = []
    var raw: [UInt8] = []
    var rewritten = true
    for piece in pieces {
        piece.withUnsafeBytes { bytes in
            framer.read(bytes) { event in
                raw += Array(event.raw)
                messages.append("\(event.kind) \(hex(event.name)) \(hex(event.data)) \(event.headers)")
                let payload = event.raw[(12 + event.headerBytes.count)..<(event.raw.count - 4)]
                var again: [UInt8] = []
                appendAWSEvent(event.headers, payload: payload, to: &again)
                // A name or a text that is not UTF-8 is mended, and then differs.
                let isText = event.headers.allSatisfy { header in
                    if case .string(let text) = header.value, text.contains("\u{FFFD}") { return false }
                    return !header.name.contains("\u{FFFD}")
                }
                if isText, again != Array(event.raw) { rewritten = false }
            }
        }
    }
    framer.finish()
    return (messages, raw, framer.failure, rewritten)
}

/// The first byte chooses the dialect; with its highest bit the rest is the payload of one good message.
package func checkEventStream(_ input: [UInt8]) -> Finding? {
    guard let choice = input.first else { return nil }
    var bytes = Array(input.dropFirst())
    if choice & 0x80 != 0 {
        var message: [UInt8] = []
        let types = ["contentBlockDelta", "contentBlockStart", "messageStop", "metadata", "chunk", "throttlingException"]
        appendAWSEvent(types[Int(choice & 0x7F) % types.count], json: bytes, to: &message)
        bytes = message
    }
    var random = Seeded(bytes: input)
    let whole = frame([bytes])
    if !bytes.starts(with: whole.raw) { return "the framer changed bytes" }
    if !whole.rewritten { return "a message is written differently from how it was read" }
    for _ in 0..<3 {
        let cut = frame(random.cut(bytes))
        if cut.messages != whole.messages || cut.failure != whole.failure { return "a split changed the messages" }
    }
    let endpoint = choice & 1 == 0 ? Endpoint.converseStream : .invokeModelStream
    let one = meter([bytes], endpoint: endpoint, body: .eventStream, withholds: false)
    let other = meter(random.cut(bytes), endpoint: endpoint, body: .eventStream, withholds: false)
    if describe(one.reading) != describe(other.reading) { return "a split changed the reading" }
    if one.kept != bytes { return "the meter lost bytes" }
    for client in [Dialect.openAIChat, .anthropicMessages, .bedrockConverse] where client != endpoint.dialect {
        let first = translate([bytes], endpoint.dialect, client)
        if first != translate(random.cut(bytes), endpoint.dialect, client) { return "a split changed the translation" }
    }
    return nil
}

private func translate(_ pieces: [[UInt8]], _ from: Dialect, _ to: Dialect) -> [UInt8] {
    let context = AnswerContext(created: 1, model: "m", id: "i", includeUsage: true)
    guard var translator = AnswerTranslator(from: from, to: to, context: context, eventBytesMax: 1 << 16) else { return [] }
    var out: [UInt8] = []
    for piece in pieces { piece.withUnsafeBytes { translator.read($0, into: &out) } }
    translator.finish(into: &out)
    return out
}
