import Foundation
import GatewayModel
import Proxy
import RawWire
import Testing

@Suite struct TemporaryTests {
    @Test func leak() async throws {
        try await Gateway.run { gateway in
            print("DEBUG start", await gateway.server.activeCount())
            for n in 0..<4 {
                _ = try await gateway.ask(gateway.chat(hello))
                try await Task.sleep(for: .milliseconds(300))
                print("DEBUG ask", n, await gateway.server.activeCount())
            }
            for n in 0..<3 {
                _ = try await gateway.ask(gateway.chat(String(helloStream)))
                try await Task.sleep(for: .milliseconds(300))
                print("DEBUG stream", n, await gateway.server.activeCount())
            }
            let c = try await gateway.connect()
            try await c.send(gateway.chat(String(helloStream), [("x-sim-chunks", "100"), ("x-sim-pace-ms", "30")]))
            _ = try await c.read(through: "Chunk 0")
            print("DEBUG running", await gateway.server.activeCount())
            for n in 0..<4 {
                _ = try await gateway.ask(gateway.chat(hello))
                try await Task.sleep(for: .milliseconds(100))
                print("DEBUG ask", n, await gateway.server.activeCount())
            }
        }
    }
}
