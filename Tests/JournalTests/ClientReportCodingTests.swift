// What a client says comes out of the journal as it went in, in as many records as it takes.

import GatewayModel
import Journal
import Testing

struct ClientReportCodingTests {
    @Test func aReportComesBackAsItWentIn() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 16 << 20)
        var generator = SeededGenerator(seed: 7)
        let report = randomReport(&generator, calls: 3, tools: 2)
        try journal.clientReported(report)
        journal.stop()
        #expect(reports(folder) == [report])
    }

    @Test func aLongReportBecomesSeveralRecordsThatMakeItUp() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 16 << 20)
        var generator = SeededGenerator(seed: 8)
        let report = randomReport(&generator, calls: 2000, tools: 2000)
        try journal.clientReported(report)
        journal.stop()
        let found = reports(folder)
        #expect(found.count > 10)
        #expect(found.flatMap(\.calls) == report.calls && found.flatMap(\.tools) == report.tools)
        #expect(Set(found.map(\.client)) == [report.client])
    }

    @Test func aReportOfNothingIsNoRecord() throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 1 << 20)
        var generator = SeededGenerator(seed: 9)
        try journal.clientReported(randomReport(&generator, calls: 0, tools: 0))
        #expect(journal.lastSequence == 0)
        journal.stop()
    }

    private func reports(_ folder: Folder) -> [ClientReport] {
        folder.all().filter { $0.kind == .clientReported }.compactMap { record in
            record.json.withUnsafeBytes { decodeClientReport($0) }
        }
    }

    private func randomReport(_ generator: inout SeededGenerator, calls: Int, tools: Int) -> ClientReport {
        var report = ClientReport(
            principal: Principal(keyID: "k", workspace: "w", team: "t", developer: "maria"), client: "claude-code",
            clientVersion: "2.1.330", received: Timestamp(seconds: 1_790_000_000))
        for number in 0..<calls {
            var call = ClientCall()
            // As long as an id may be, with what must be escaped.
            call.requestID = "r\(number)" + String(repeating: "\"\\", count: 90)
            call.session = maybe(&generator, "session")
            call.prompt = maybe(&generator, "prompt")
            call.agent = maybe(&generator, "agent é")
            call.subAgent = maybe(&generator, "sub")
            call.model = maybe(&generator, "model")
            call.time = Timestamp(nanoseconds: Int64(number))
            call.success = Bool.random(using: &generator) ? nil : Bool.random(using: &generator)
            call.status = count(&generator)
            call.attempt = count(&generator)
            call.durationMilliseconds = count(&generator)
            call.firstTokenMilliseconds = count(&generator)
            call.input = count(&generator)
            call.output = count(&generator)
            call.cacheRead = count(&generator)
            call.cacheWrite = count(&generator)
            call.inputIsWhole = Bool.random(using: &generator)
            call.cost = count(&generator).map { NanoUSD($0) }
            report.calls.append(call)
        }
        for number in 0..<tools {
            var tool = ClientTool()
            tool.callID = "t\(number)"
            tool.name = maybe(&generator, "Bash")
            tool.session = maybe(&generator, "session")
            tool.prompt = maybe(&generator, "prompt")
            tool.subAgent = maybe(&generator, "sub")
            tool.requestID = maybe(&generator, "request")
            tool.time = Timestamp(nanoseconds: Int64(number))
            tool.success = Bool.random(using: &generator) ? nil : Bool.random(using: &generator)
            tool.durationMilliseconds = count(&generator)
            report.tools.append(tool)
        }
        return report
    }

    private func maybe(_ generator: inout SeededGenerator, _ text: String) -> String? {
        Bool.random(using: &generator) ? text : nil
    }

    private func count(_ generator: inout SeededGenerator) -> Int64? {
        Bool.random(using: &generator) ? Int64.random(in: 0...1_000_000, using: &generator) : nil
    }
}
