// ErrorBodies: the JSON of an error in each dialect. Every refusal of Weir goes through here, whatever it is about.

import GatewayModel
import WireFormat

/// What an error says, whoever reads it.
struct ErrorWords {
    var status: Int
    /// Weir's stable code.
    var code: String
    var message: String
    /// The member of the request that is at fault.
    var parameter: String?
    var openAIType = "invalid_request_error"
    var anthropicType = "invalid_request_error"
    /// When it is worth to ask again.
    var retryAfterMilliseconds: Int64?

    init(status: Int, code: String, message: String, parameter: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.parameter = parameter
    }

    /// Where the dialect is not known it is OpenAI's.
    func body(in dialect: Dialect?, _ requestID: RequestID) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch dialect {
        case .anthropicMessages: anthropic(&writer, requestID)
        case .bedrockConverse, .bedrockInvoke: aws(&writer)
        case .gemini: gemini(&writer)
        case .ollama: writer.field("error", message)
        default: openAI(&writer)
        }
        writer.endObject()
        return writer.bytes
    }

    private func openAI(_ writer: inout JSONWriter) {
        writer.beginObject("error")
        writer.field("message", message)
        writer.field("type", openAIType)
        if let parameter { writer.field("param", parameter) } else { writer.rawField("param", "null".utf8) }
        writer.field("code", code)
        writer.endObject()
    }

    /// AWS's shape. Its SDKs take the kind of the error from a field of the head; the code is for people and logs.
    private func aws(_ writer: inout JSONWriter) {
        writer.field("message", message)
        writer.field("code", code)
    }

    private func anthropic(_ writer: inout JSONWriter, _ requestID: RequestID) {
        writer.field("type", "error")
        writer.beginObject("error")
        writer.field("type", anthropicType)
        writer.field("message", message)
        writer.endObject()
        writer.field("request_id", requestID.description)
    }

    /// Google's form: the reason stands in an `ErrorInfo`, where its SDKs look for one, and how long to wait in a `RetryInfo`.
    private func gemini(_ writer: inout JSONWriter) {
        writer.beginObject("error")
        writer.field("code", status)
        writer.field("message", message)
        writer.field("status", geminiStatus(ofHTTP: status))
        writer.beginArray("details")
        writer.beginObject()
        writer.field("@type", "type.googleapis.com/google.rpc.ErrorInfo")
        writer.field("reason", code)
        writer.field("domain", "weir")
        if let parameter {
            writer.beginObject("metadata")
            writer.field("parameter", parameter)
            writer.endObject()
        }
        writer.endObject()
        if let retryAfterMilliseconds {
            writer.beginObject()
            writer.field("@type", "type.googleapis.com/google.rpc.RetryInfo")
            writer.field("retryDelay", duration(retryAfterMilliseconds))
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    /// Seconds with three places, as Google's JSON writes a duration.
    private func duration(_ milliseconds: Int64) -> String {
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)s"
    }
}
