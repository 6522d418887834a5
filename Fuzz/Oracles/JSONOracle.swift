// JSONOracle: what must hold of the JSON scanner for any bytes.

import WireFormat

/// Holds the scanner against the reference reader, and its ranges against the text.
package func checkJSON(_ bytes: [UInt8]) -> Finding? {
    for depthMax in [3, 128] {
        let accepts = scanWhole(bytes, depthMax: depthMax)
        if accepts.isValid != ReferenceJSON.isValid(bytes, depthMax: depthMax) {
            return "the scanner says \(accepts.isValid) at depth \(depthMax), the grammar says otherwise"
        }
        if let offset = accepts.offset, offset < 0 || offset > bytes.count {
            return "the offset \(offset) lies outside"
        }
    }
    return checkMembers(bytes)
}

/// Whether the scanner takes the bytes as one JSON text; if not, where it stopped.
package func scanWhole(_ bytes: [UInt8], depthMax: Int = 128) -> (isValid: Bool, offset: Int?) {
    bytes.withUnsafeBytes { text in
        var scanner = JSONScanner(text, depthMax: depthMax)
        do throws(JSONError) {
            try scanner.skipValue()
            try scanner.finish()
            return (true, nil)
        } catch {
            guard case .malformed(let offset, _) = error else { return (false, nil) }
            return (false, offset)
        }
    }
}

/// Every member's value can be cut out and put back, or replaced, and the text stays JSON.
private func checkMembers(_ bytes: [UInt8]) -> Finding? {
    bytes.withUnsafeBytes { text -> Finding? in
        var last = 0
        var finding: Finding?
        var ranges: [Range<Int>] = []
        do throws(JSONError) {
            try forEachJSONMember(text, failure: { $0 }) { (member: JSONMember) throws(JSONError) in
                if member.range.lowerBound < last || member.range.isEmpty || member.range.upperBound > text.count {
                    finding = "the member's range \(member.range) is wrong"
                }
                if !member.value.elementsEqual(text[member.range]) { finding = "value and range disagree" }
                _ = (member.key, member.string, member.integer, member.boolean)
                last = member.range.upperBound
                ranges.append(member.range)
            }
        } catch {
            return finding
        }
        if let finding { return finding }
        let same = ranges.map { Splice(offset: $0.lowerBound, removeCount: $0.count, insert: Array(text[$0])) }
        if applySplices(same, to: text) != bytes { return "splicing values by themselves changed the text" }
        let nulled = ranges.map { Splice(offset: $0.lowerBound, removeCount: $0.count, insert: Array("null".utf8)) }
        return scanWhole(applySplices(nulled, to: text)).isValid ? nil : "splicing null into each member broke the text"
    }
}
