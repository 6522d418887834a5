// ExtractedReports: what Weir keeps of an export. Only the fields of `ClientCall` and `ClientTool` leave this target: prompts,
// answers, tool input and output, bodies and error texts end here, whatever the client's settings made it send.

package import GatewayModel

/// What one export says of calls and tools, by the client that says it.
package struct ExtractedReports: Sendable, Hashable {
    /// A client and its version, as its resource names them.
    package struct Client: Sendable, Hashable {
        package var name: String
        package var version: String
    }

    /// What one client says.
    package struct Saying: Sendable, Hashable {
        package var client: Client
        package var calls: [ClientCall] = []
        package var tools: [ClientTool] = []
    }

    package private(set) var sayings: [Saying] = []
    /// Records of calls or tools that cannot be kept.
    package private(set) var rejected = 0
    /// Why the last of them could not.
    package private(set) var reason = ""

    /// Calls and tools that are kept of one export.
    private static let keptMax = 10_000
    private var kept = 0

    package init(_ export: TelemetryExport) {
        switch export {
        case .logs(let groups):
            for group in groups {
                let client = Client(group.resource, group.scope)
                for (index, log) in group.items.enumerated() { add(readLog(log, index: index), client) }
            }
        case .traces(let groups):
            for group in groups {
                let client = Client(group.resource, group.scope)
                for span in group.items { add(readSpan(span), client) }
            }
        case .metrics: break
        }
    }

    private mutating func add(_ record: ExtractedRecord, _ client: Client) {
        if case .nothing = record { return }
        if case .unusable(let why) = record { return reject(why) }
        guard kept < Self.keptMax else { return reject("more than \(Self.keptMax) calls and tools in one export") }
        kept += 1
        // Groups of one resource follow one another.
        if sayings.last?.client != client { sayings.append(Saying(client: client)) }
        switch record {
        case .call(let call): sayings[sayings.count - 1].calls.append(call)
        case .tool(let tool): sayings[sayings.count - 1].tools.append(tool)
        case .nothing, .unusable: break
        }
    }

    private mutating func reject(_ why: String) {
        rejected += 1
        reason = why
    }
}

/// What one record turned out to be.
enum ExtractedRecord {
    case nothing
    case call(ClientCall)
    case tool(ClientTool)
    /// It is a call or a tool, and it has an id that is none.
    case unusable(String)
}

extension ExtractedReports.Client {
    init(_ resource: [TelemetryAttribute], _ scope: TelemetryScope) {
        let table = AttributeTable(resource)
        name = table.name("service.name") ?? "unknown"
        version = table.name("service.version") ?? ""
    }
}

/// Nanoseconds since 1970 as an instant, held at the end.
func instant(_ nanoseconds: UInt64) -> Timestamp { Timestamp(nanoseconds: Int64(clamping: nanoseconds)) }

/// A made-up id of a call whose client names none, the same when the client sends it again.
func madeUpID(_ parts: String...) -> String { "~" + parts.joined(separator: ".") }

func hexText(_ bytes: [UInt8]) -> String {
    bytes.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
