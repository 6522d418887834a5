// Every refusal as OpenCode gets it, kept in a file that the model of OpenCode's own rules is held against
// (Tests/conformance/test_opencode_errors.py).

import Dialects
import Foundation
import GatewayModel
import Testing

@Suite struct OpenCodeRefusalTests {
    @Test func theFileHoldsEveryRefusalAsItIs() throws {
        var lines: [String] = []
        for error in ErrorReplyTests.errors + LimitReplyTests.notices.map(GatewayError.limited) {
            for endpoint in [Endpoint.chatCompletions, .messages, .responses] {
                let reply = errorReply(error, endpoint: endpoint, client: .openCode, requestID: ErrorReplyTests.id)
                let headers = Dictionary(
                    uniqueKeysWithValues: reply.headers.map { ($0.0.lowercased(), $0.1) })
                let row: [String: Any] = [
                    "error": error.code, "endpoint": endpoint.rawValue, "status": reply.status, "headers": headers,
                    "body": String(decoding: reply.body, as: UTF8.self),
                ]
                let text = try JSONSerialization.data(
                    withJSONObject: row, options: [.sortedKeys, .withoutEscapingSlashes])
                lines.append(String(decoding: text, as: UTF8.self))
            }
        }
        let text = "[\n" + lines.joined(separator: ",\n") + "\n]\n"
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/opencode/refusals.json").standardized
        if ProcessInfo.processInfo.environment["WEIR_REGENERATE"] == "1" { try Data(text.utf8).write(to: file) }
        let kept = FileManager.default.contents(atPath: file.path).map { String(decoding: $0, as: UTF8.self) }
        #expect(text == kept, "Fixtures/opencode/refusals.json differs; WEIR_REGENERATE=1 writes it anew")
    }
}
