// ClientReportCoding: a ClientReport as the members of `client.reported` records, and back. A report of many calls becomes several
// records, none over the limit. Absent members are nil, so that an old journal stays readable.

package import GatewayModel
package import WireFormat

extension Journal {
    /// Bytes of calls and tools in one record; what stands before them takes a few hundred.
    static let reportBytesMax = 48_000

    /// Journals what a client said. When it returns, all of it survives the end of this process; when it throws, a part may.
    package func clientReported(_ report: ClientReport) throws(JournalError) {
        var rest = report
        rest.calls = []
        rest.tools = []
        var bytes = 0
        for call in report.calls {
            var writer = JSONWriter()
            writer.call(call)
            if bytes + writer.bytes.count > Self.reportBytesMax { try flush(&rest, &bytes) }
            bytes += writer.bytes.count + 1
            rest.calls.append(call)
        }
        for tool in report.tools {
            var writer = JSONWriter()
            writer.tool(tool)
            if bytes + writer.bytes.count > Self.reportBytesMax { try flush(&rest, &bytes) }
            bytes += writer.bytes.count + 1
            rest.tools.append(tool)
        }
        try flush(&rest, &bytes)
    }

    private func flush(_ report: inout ClientReport, _ bytes: inout Int) throws(JournalError) {
        guard !report.isEmpty else { return }
        let whole = report
        _ = try append(.clientReported, at: report.received, admits: true) { $0.clientReport(whole) }
        report.calls = []
        report.tools = []
        bytes = 0
    }
}

extension JSONWriter {
    /// Writes a report's members into the record that has been begun.
    package mutating func clientReport(_ report: ClientReport) {
        field("key", report.principal.keyID)
        field("ws", report.principal.workspace)
        field("team", report.principal.team)
        field("dev", report.principal.developer)
        field("sa", report.principal.serviceAccount)
        field("client", report.client)
        field("cver", report.clientVersion)
        field("received", report.received.nanoseconds)
        if !report.calls.isEmpty {
            beginArray("calls")
            for call in report.calls { self.call(call) }
            endArray()
        }
        guard !report.tools.isEmpty else { return }
        beginArray("tools")
        for tool in report.tools { self.tool(tool) }
        endArray()
    }

    fileprivate mutating func call(_ call: ClientCall) {
        beginObject()
        field("id", call.requestID)
        field("session", call.session)
        field("prompt", call.prompt)
        field("agent", call.agent)
        field("sub", call.subAgent)
        field("model", call.model)
        field("time", call.time.nanoseconds)
        if let success = call.success { field("ok", success) }
        number("status", call.status)
        number("attempt", call.attempt)
        number("ms", call.durationMilliseconds)
        number("ttft", call.firstTokenMilliseconds)
        number("in", call.input)
        number("out", call.output)
        number("read", call.cacheRead)
        number("write", call.cacheWrite)
        if call.inputIsWhole { field("whole", true) }
        number("cost", call.cost?.value)
        endObject()
    }

    fileprivate mutating func tool(_ tool: ClientTool) {
        beginObject()
        field("id", tool.callID)
        field("name", tool.name)
        field("session", tool.session)
        field("prompt", tool.prompt)
        field("sub", tool.subAgent)
        field("request", tool.requestID)
        field("time", tool.time.nanoseconds)
        if let success = tool.success { field("ok", success) }
        number("ms", tool.durationMilliseconds)
        endObject()
    }

    private mutating func number(_ name: StaticString, _ value: Int64?) {
        if let value { field(name, value) }
    }
}

/// Reads a report out of its record's JSON. Nil when it lacks what every report has.
package func decodeClientReport(_ record: UnsafeRawBufferPointer) -> ClientReport? {
    var report = ClientReport(
        principal: Principal(keyID: "", workspace: "", team: ""), client: "", clientVersion: "",
        received: Timestamp(nanoseconds: 0))
    visitJSONMembers(record) { member in
        switch member.key {
        case "key": report.principal.keyID = member.string ?? ""
        case "ws": report.principal.workspace = member.string ?? ""
        case "team": report.principal.team = member.string ?? ""
        case "dev": report.principal.developer = member.string
        case "sa": report.principal.serviceAccount = member.string
        case "client": report.client = member.string ?? ""
        case "cver": report.clientVersion = member.string ?? ""
        case "received": report.received = Timestamp(nanoseconds: member.integer ?? 0)
        case "calls":
            visitJSONElements(member.value) { kind, value in
                if kind == .object { report.calls.append(decodeCall(value)) }
                return true
            }
        case "tools":
            visitJSONElements(member.value) { kind, value in
                if kind == .object { report.tools.append(decodeTool(value)) }
                return true
            }
        default: break
        }
    }
    return report.principal.keyID.isEmpty ? nil : report
}

private func decodeCall(_ bytes: UnsafeRawBufferPointer) -> ClientCall {
    var call = ClientCall()
    visitJSONMembers(bytes) { member in
        switch member.key {
        case "id": call.requestID = member.string ?? ""
        case "session": call.session = member.string
        case "prompt": call.prompt = member.string
        case "agent": call.agent = member.string
        case "sub": call.subAgent = member.string
        case "model": call.model = member.string
        case "time": call.time = Timestamp(nanoseconds: member.integer ?? 0)
        case "ok": call.success = member.boolean
        case "status": call.status = member.integer
        case "attempt": call.attempt = member.integer
        case "ms": call.durationMilliseconds = member.integer
        case "ttft": call.firstTokenMilliseconds = member.integer
        case "in": call.input = member.integer
        case "out": call.output = member.integer
        case "read": call.cacheRead = member.integer
        case "write": call.cacheWrite = member.integer
        case "whole": call.inputIsWhole = member.boolean ?? false
        case "cost": call.cost = member.integer.map { NanoUSD($0) }
        default: break
        }
    }
    return call
}

private func decodeTool(_ bytes: UnsafeRawBufferPointer) -> ClientTool {
    var tool = ClientTool()
    visitJSONMembers(bytes) { member in
        switch member.key {
        case "id": tool.callID = member.string ?? ""
        case "name": tool.name = member.string
        case "session": tool.session = member.string
        case "prompt": tool.prompt = member.string
        case "sub": tool.subAgent = member.string
        case "request": tool.requestID = member.string
        case "time": tool.time = Timestamp(nanoseconds: member.integer ?? 0)
        case "ok": tool.success = member.boolean
        case "ms": tool.durationMilliseconds = member.integer
        default: break
        }
    }
    return tool
}
