// LocalAnswer: a response that Weir makes itself.

import GatewayModel
import NIOCore

/// A small response with a whole body.
struct LocalAnswer {
    let status: Int
    let headers: [(String, String)]
    let body: [UInt8]

    /// The bytes to send; a HEAD request gets no body.
    func bytes(requestID: RequestID, method: String, keepsAlive: Bool, _ allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: 512 + body.count)
        buffer.writeString("HTTP/1.1 \(status) \(reasonPhrase(status))\r\n")
        for (name, value) in headers where name.lowercased() != "content-length" {
            buffer.writeString("\(name): \(value)\r\n")
        }
        let id = requestID.description
        buffer.writeString("x-weir-request-id: \(id)\r\n")
        for name in ["request-id", "x-request-id"] where !headers.contains(where: { $0.0.lowercased() == name }) {
            buffer.writeString("\(name): \(id)\r\n")
        }
        buffer.writeString("Content-Length: \(body.count)\r\n")
        if !keepsAlive { buffer.writeString("Connection: close\r\n") }
        buffer.writeString("\r\n")
        if method != "HEAD" { buffer.writeBytes(body) }
        return buffer
    }
}

/// The reason phrases of the statuses that Weir sends itself (RFC 9110, section 15).
func reasonPhrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 499: "Client Closed Request"
    case 500: "Internal Server Error"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 529: "Overloaded"
    default: "Status"
    }
}
