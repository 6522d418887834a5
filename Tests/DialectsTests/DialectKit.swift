// DialectKit: one reader and one writer of answers for each dialect, and the framing of its streams.

import Dialects
import GatewayModel
import WireFormat

func answerReader(_ dialect: Dialect) -> any CanonicalEventReader {
    switch dialect {
    case .openAIChat: ChatEventReader()
    case .openAIResponses: ResponsesEventReader()
    case .bedrockConverse: ConverseEventReader()
    case .bedrockInvoke: InvokeEventReader()
    default: MessagesEventReader()
    }
}

func answerWriter(_ dialect: Dialect, _ context: AnswerContext) -> any CanonicalEventWriter {
    switch dialect {
    case .openAIChat: ChatEventWriter(context)
    case .openAIResponses: ResponsesEventWriter(context)
    case .bedrockConverse: ConverseEventWriter(context)
    case .bedrockInvoke: InvokeEventWriter(context)
    default: MessagesEventWriter(context)
    }
}

/// Gives each event of a stream, by name and data.
func visitEvents(
    _ stream: [UInt8], _ dialect: Dialect, _ body: (_ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer) -> Void
) {
    stream.withUnsafeBytes { bytes in
        if dialect.isBedrock {
            var framer = AWSEventFramer()
            framer.read(bytes) { body($0.name, $0.data) }
        } else {
            var framer = SSEFramer(eventBytesMax: 1 << 20)
            framer.read(bytes) { body($0.name, $0.data) }
        }
    }
}
