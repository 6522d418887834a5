// QuickDecodingTests: the quick way through a record gives what the slow one gives, whatever the record holds.

import GatewayModel
import Journal
import Testing
import WireFormat

struct QuickDecodingTests {
    private func compare(_ json: [UInt8]) -> Bool {
        json.withUnsafeBytes { decodeTurnQuickly($0) == decodeTurnForSums($0) }
    }

    @Test(arguments: [false, true]) func bothWaysGiveTheSameTurn(isPlain: Bool) throws {
        let folder = Folder()
        let journal = try openJournal(folder, segmentBytes: 16 << 20)
        var generator = SeededGenerator(seed: 43)
        let source = TurnSource(isPlain: isPlain)
        for _ in 0..<500 { _ = try journal.turnSettled(source.turn(&generator)) }
        journal.stop()
        let records = folder.all()
        #expect(records.count == 500)
        for record in records { #expect(compare(record.json)) }
        // What agents send is read the quick way; only what must be escaped is not.
        if isPlain { #expect(records.allSatisfy { $0.json.withUnsafeBytes { isQuick($0) } }) }
    }

    @Test func aDamagedRecordIsReadAlike() throws {
        let folder = Folder()
        let journal = try openJournal(folder)
        var generator = SeededGenerator(seed: 44)
        let source = TurnSource(isPlain: true)
        _ = try journal.turnSettled(source.turn(&generator))
        journal.stop()
        let json = try #require(folder.all().first).json
        for count in 0..<json.count { #expect(compare(Array(json[..<count]))) }
        for _ in 0..<5000 {
            var changed = json
            let places = (0..<Int.random(in: 1...3, using: &generator)).map { _ in Int.random(in: json.indices, using: &generator) }
            for place in places {
                changed[place] = Array(#""\,:{}[]0-9.e tfn"#.utf8).randomElement(using: &generator) ?? 0
            }
            // What is no JSON does not come here: a record has a checksum. It must only not crash.
            let isAlike = compare(changed)
            let isJSON = changed.withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes)
                return (try? scanner.skipValue()) != nil && (try? scanner.finish()) != nil
            }
            #expect(isAlike || !isJSON, "\(String(decoding: changed, as: UTF8.self))")
        }
    }

    @Test(arguments: [
        #"{"id":"01900000-0000-7000-8000-000000000001","usage":[1,2,3]}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","usage":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","cost":12.0}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","cost":9223372036854775807,"flags":99999999999999999999}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","repo":["a","nobody"],"branch":["b"],"agent":"c"}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","endpoint":"unheard_of","stream":false,"dev":null}"#,
        #"{"id":"01900000-0000-7000-8000-000000000001","team":"a","team":"b"}"#,
        #"{ "id" : "01900000-0000-7000-8000-000000000001" , "team" : "a" }"#,
        #"{"id":"0190000000007000800000000000000X"}"#, #"{"\u0069d":"01900000-0000-7000-8000-000000000001"}"#, "{}", "[]", "",
    ]) func whatWeirDoesNotWriteIsReadAlike(text: String) {
        #expect(compare(Array(text.utf8)))
    }
}
