// JSONExportDecoder+Scalars: the forms in which protobuf's JSON mapping writes numbers, bytes and nothing. `null` is as if the member
// were not there.

import WireFormat

func telemetryError(_ error: JSONError) -> TelemetryError {
    switch error {
    case .malformed(let offset, let reason): .malformed("\(reason): byte \(offset)")
    case .tooDeep(let max): .tooDeep(max: max)
    }
}

extension JSONExportDecoder {
    /// Visits an object's members; `null` has none. The body must read or skip each value.
    mutating func members(_ body: (inout Self, String) throws(TelemetryError) -> Void) throws(TelemetryError) {
        guard try begins(.object, "an object") else { return }
        var isFirst = true
        try scan { scanner throws(JSONError) in try scanner.enterObject() }
        while true {
            let key = try scan { scanner throws(JSONError) in try scanner.nextKey(&isFirst) }
            guard let key else { return }
            try body(&self, decodeJSONString(UnsafeRawBufferPointer(rebasing: bytes[key])))
        }
    }

    /// Visits an array's elements; `null` has none.
    mutating func elements(_ body: (inout Self) throws(TelemetryError) -> Void) throws(TelemetryError) {
        guard try begins(.array, "an array") else { return }
        var isFirst = true
        try scan { scanner throws(JSONError) in try scanner.enterArray() }
        while try scan({ scanner throws(JSONError) in try scanner.nextElement(&isFirst) }) { try body(&self) }
    }

    mutating func skip() throws(TelemetryError) {
        _ = try scan { scanner throws(JSONError) in try scanner.skipValue() }
    }

    mutating func string() throws(TelemetryError) -> String? {
        guard try begins(.string, "a text") else { return nil }
        return content(try scan { scanner throws(JSONError) in try scanner.readString() })
    }

    mutating func bool() throws(TelemetryError) -> Bool? {
        guard try begins(.boolean, "true or false") else { return nil }
        let range = try scan { scanner throws(JSONError) in try scanner.skipValue() }
        return bytes[range.lowerBound] == 116
    }

    mutating func signed() throws(TelemetryError) -> Int64? {
        guard let text = try number() else { return nil }
        if let value = Int64(text) { return value }
        // `1e3` and `12.0` are integers too.
        guard let value = Double(text), let whole = Int64(exactly: value) else {
            throw .malformed("this is no integer: \(text.prefix(40))")
        }
        return whole
    }

    mutating func unsigned() throws(TelemetryError) -> UInt64? {
        guard let text = try number() else { return nil }
        if let value = UInt64(text) { return value }
        guard let value = Double(text), let whole = UInt64(exactly: value) else {
            throw .malformed("this is no unsigned integer: \(text.prefix(40))")
        }
        return whole
    }

    mutating func int32() throws(TelemetryError) -> Int32? {
        guard let value = try signed() else { return nil }
        guard let cut = Int32(exactly: value) else { throw .malformed("this number is too large: \(value)") }
        return cut
    }

    mutating func double() throws(TelemetryError) -> Double? {
        guard let text = try number() else { return nil }
        switch text {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default:
            guard let first = text.utf8.first, first == 45 || (48...57).contains(first), let value = Double(text) else {
                throw .malformed("this is no number: \(text.prefix(40))")
            }
            return value
        }
    }

    /// Bytes written in hexadecimal digits.
    mutating func hex() throws(TelemetryError) -> [UInt8] {
        guard let text = try string() else { return [] }
        var found: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 48...57: digit = character - 48
            case 97...102: digit = character - 87
            case 65...70: digit = character - 55
            default: throw .malformed("an id is no hexadecimal number")
            }
            if let first = high {
                found.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        if high != nil { throw .malformed("an id has an odd number of digits") }
        return found
    }

    // MARK: Inside

    /// A number's text, whether it stands in quotes or not.
    private mutating func number() throws(TelemetryError) -> String? {
        switch try scan({ scanner throws(JSONError) in try scanner.peekKind() }) {
        case .null:
            try skip()
            return nil
        case .number:
            let range = try scan { scanner throws(JSONError) in try scanner.skipValue() }
            return String(decoding: bytes[range], as: UTF8.self)
        case .string: return content(try scan { scanner throws(JSONError) in try scanner.readString() })
        default: throw .malformed("a number should stand at byte \(scanner.position)")
        }
    }

    /// True when a value of this kind comes next; false when it was `null`, which is crossed.
    private mutating func begins(_ kind: JSONKind, _ name: String) throws(TelemetryError) -> Bool {
        let found = try scan { scanner throws(JSONError) in try scanner.peekKind() }
        if found == kind { return true }
        guard found == .null else { throw .malformed("\(name) should stand at byte \(scanner.position)") }
        try skip()
        return false
    }

    private func content(_ quoted: Range<Int>) -> String {
        decodeJSONString(UnsafeRawBufferPointer(rebasing: bytes[quoted.lowerBound + 1..<quoted.upperBound - 1]))
    }

    private mutating func scan<Output>(
        _ body: (inout JSONScanner) throws(JSONError) -> Output
    ) throws(TelemetryError) -> Output {
        do throws(JSONError) { return try body(&scanner) } catch { throw telemetryError(error) }
    }
}

/// Base64 in either alphabet, padded or not, as protobuf's JSON mapping takes it.
func decodeBase64(_ text: String) throws(TelemetryError) -> [UInt8] {
    var found: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var isPadded = false
    for character in text.utf8 {
        let digit: UInt8
        switch character {
        case 65...90: digit = character - 65
        case 97...122: digit = character - 71
        case 48...57: digit = character + 4
        case 43, 45: digit = 62
        case 47, 95: digit = 63
        case 61:
            isPadded = true
            continue
        default: throw .malformed("this is no base64")
        }
        if isPadded { throw .malformed("something stands behind the end of base64") }
        bits = bits << 6 | UInt32(digit)
        count += 6
        if count >= 8 {
            count -= 8
            found.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    // One digit alone is no byte.
    if count >= 6 { throw .malformed("base64 ends early") }
    return found
}
