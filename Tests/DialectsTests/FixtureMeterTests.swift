// Every recorded exchange through its dialect's meter: what is read of it, at every split, and what the client gets of it.

import Dialects
import FuzzOracles
import GatewayModel
import Testing

@Suite struct FixtureMeterTests {
    private func read(_ fixture: Fixture, _ pieces: [[UInt8]], withholds: Bool) -> (
        reading: MeterReading, kept: [UInt8]
    ) {
        meter(
            pieces, endpoint: fixture.endpoint, body: fixture.kind, withholds: withholds,
            lineBytesMax: 16 << 20)
    }

    @Test func thereAreFixturesOfEveryDialect() {
        #expect(Set(Fixture.metered.map(\.dialect)) == Set(Dialect.allCases.map(\.rawValue)))
        #expect(Fixture.all.count >= 80)
    }

    @Test(arguments: Fixture.metered) func theReadingIsWhatTheProviderSaid(_ fixture: Fixture) {
        let reading = read(fixture, [fixture.response], withholds: false).reading
        let expected = fixture.expected
        if let usage = expected.usage { #expect(reading.usage.classes == usage.filter { $0.value != 0 }) }
        for (name, least) in expected.usageAtLeast ?? [:] {
            #expect(reading.usage.classes[name, default: 0] >= least || name == "output")
        }
        // What the provider does not say is estimated later, from bytes.
        let said = expected.usageSource == "estimated" ? "none" : expected.usageSource
        #expect(reading.usageSource.rawValue == said)
        if expected.error == nil { #expect(reading.finishReason == expected.finishReason) }
        #expect(reading.toolCalls == expected.toolCalls)
        #expect(reading.isComplete == expected.complete)
        #expect(reading.isPending == (expected.pending ?? false))
        #expect(reading.modelServed == expected.modelServed)
        #expect(reading.responseID == expected.responseId)
        #expect(reading.errorEvent?.type == expected.error?["type"])
        #expect(reading.errorEvent?.message == expected.error?["message"])
        #expect(reading.inconsistent == (expected.flags ?? []).contains("inconsistent"))
        #expect(reading.qualifiers.serviceTier == expected.qualifiers?["service_tier"])
        #expect(reading.qualifiers.speed == expected.qualifiers?["speed"])
        #expect(reading.qualifiers.inferenceGeo == expected.qualifiers?["inference_geo"])
        if reading.usageSource != .none { #expect(reading.rawUsage?.isEmpty == false) }
    }

    @Test(arguments: Fixture.metered) func aSplitAtAnyByteGivesTheSameReading(_ fixture: Fixture) {
        let bytes = fixture.response
        let withholds = fixture.expected.withholdsUsageEvent
        let whole = read(fixture, [bytes], withholds: withholds)
        // Long recordings are split at a few hundred places, and at every byte at once.
        let step = bytes.count < 2500 ? 1 : bytes.count / 300
        for place in stride(from: 0, through: bytes.count, by: step) {
            let split = read(fixture, [Array(bytes[..<place]), Array(bytes[place...])], withholds: withholds)
            #expect(describe(split.reading) == describe(whole.reading), "split at \(place)")
            #expect(split.kept == whole.kept, "split at \(place)")
        }
        let bytewise = read(fixture, bytes.map { [$0] }, withholds: withholds)
        #expect(describe(bytewise.reading) == describe(whole.reading))
        #expect(bytewise.kept == whole.kept)
    }

    @Test(arguments: Fixture.metered) func theClientGetsEveryByteButTheOneEvent(_ fixture: Fixture) {
        let bytes = fixture.response
        #expect(read(fixture, [bytes], withholds: false).kept == bytes)
        guard case .success(let head) = parseBody(fixture.endpoint, fixture.request) else {
            Issue.record("the request is refused")
            return
        }
        let kept = read(fixture, [bytes], withholds: head.usageSplice != nil).kept
        guard fixture.expected.withholdsUsageEvent else {
            #expect(kept == bytes)
            return
        }
        #expect(head.usageSplice != nil)
        let missing = bytes.count - kept.count
        let start = zip(bytes, kept).prefix { $0 == $1 }.count
        // The cut is one run of bytes: a whole event with its blank line, wherever equal bytes let it begin.
        #expect(missing > 0 && Array(bytes[..<start]) + Array(bytes[(start + missing)...]) == kept)
        let events = frameEvents([bytes]).events
        let left = frameEvents([kept]).events
        #expect(left.count == events.count - 1)
        let withheld = events.filter { !left.contains($0) }
        #expect(withheld.count == 1)
        #expect(withheld.first?.data.contains("\"usage\"") == true)
    }

    @Test(arguments: Fixture.metered) func aTruncatedRecordingNeverTrapsAndNeverCountsTooMuch(_ fixture: Fixture) {
        let bytes = fixture.response
        let whole = read(fixture, [bytes], withholds: false).reading
        for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 100)) {
            let cut = read(fixture, [Array(bytes[..<count])], withholds: true).reading
            #expect(cut.contentBytes <= whole.contentBytes + 64)
            #expect(cut.eventCount <= whole.eventCount)
        }
    }

    @Test(arguments: Fixture.all) func everyRecordedRequestIsRead(_ fixture: Fixture) {
        guard fixture.endpoint != .responsesRetrieve else { return }
        guard case .success(let head) = parseBody(fixture.endpoint, fixture.request) else {
            Issue.record("the request is refused")
            return
        }
        #expect(head.model?.isEmpty == false)
        for choice in UInt8(0)..<5 { #expect(checkBody([choice] + fixture.request) == nil) }
    }
}
