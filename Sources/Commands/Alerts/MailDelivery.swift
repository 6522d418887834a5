// MailDelivery: mail by SMTP (RFC 5321) to a relay that takes it without signing in: no TLS, no passwords. Enough for a relay on the
// same network, and nothing to get wrong.

import Foundation
import NIOCore
import NIOPosix
import ServerConfiguration

/// One message to one relay.
struct MailDelivery {
    private let sink: AlertSink
    private static let seconds: Int64 = 15
    private static let lineBytesMax = 4096

    init(_ sink: AlertSink) { self.sink = sink }

    func send(subject: String, text: String) async throws {
        guard let url = URL(string: sink.url), let host = url.host else { throw AlertFailure(description: "no such address") }
        let lines = message(subject: subject, text: text)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(Self.seconds))
            .connect(host: host, port: url.port ?? 25) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await converse(channel, lines) }
            group.addTask {
                try await Task.sleep(for: .seconds(Self.seconds))
                throw AlertFailure(description: "the relay took longer than \(Self.seconds) s")
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func converse(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ body: String) async throws {
        try await channel.executeThenClose { inbound, outbound in
            var incoming = inbound.makeAsyncIterator()
            var held = ""
            /// Reads a reply to its last line and holds it against what is wanted.
            func expect(_ code: Character) async throws {
                while true {
                    while let end = held.range(of: "\r\n") {
                        let line = String(held[..<end.lowerBound])
                        held = String(held[end.upperBound...])
                        guard line.count >= 3 else { throw AlertFailure(description: "the relay does not speak SMTP") }
                        if line.dropFirst(3).first == "-" { continue }
                        guard line.first == code else { throw AlertFailure(description: "the relay said \(line.prefix(200))") }
                        return
                    }
                    guard held.utf8.count < Self.lineBytesMax, let bytes = try await incoming.next() else {
                        throw AlertFailure(description: "the relay hung up")
                    }
                    held += String(buffer: bytes)
                }
            }
            func say(_ line: String) async throws { try await outbound.write(ByteBuffer(string: line + "\r\n")) }
            try await expect("2")
            try await say("EHLO weir")
            try await expect("2")
            try await say("MAIL FROM:<\(sink.from)>")
            try await expect("2")
            for address in sink.to {
                try await say("RCPT TO:<\(address)>")
                try await expect("2")
            }
            try await say("DATA")
            try await expect("3")
            try await say(body)
            try await say(".")
            try await expect("2")
            try await say("QUIT")
        }
    }

    /// Headers and text, each line of it safe: a line that begins with a dot gets another, and nothing in it ends a header.
    private func message(subject: String, text: String) -> String {
        let clean = String(subject.unicodeScalars.map { $0.value < 32 || $0.value > 126 ? "?" : Character($0) })
        var lines = [
            "From: <\(sink.from)>", "To: \(sink.to.map { "<\($0)>" }.joined(separator: ", "))", "Subject: \(clean)",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
        ]
        for line in text.split(whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }) {
            lines.append(line.hasPrefix(".") ? "." + line : String(line))
        }
        return lines.joined(separator: "\r\n")
    }
}
