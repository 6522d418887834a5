// FormBody: `application/x-www-form-urlencoded`, as browsers and OAuth clients send it, read strictly.

/// The fields of a form or a query.
package struct FormBody: Sendable {
    private var fields: [String: String] = [:]

    /// Nil when a name stands twice (RFC 6749, section 3.2), there are too many, or something is not UTF-8.
    package init?(_ bytes: some Collection<UInt8>) {
        for pair in bytes.split(separator: 38) {
            let parts = pair.split(separator: 61, maxSplits: 1, omittingEmptySubsequences: false)
            guard fields.count < 32, let first = parts.first, let name = Self.decoded(first),
                let value = parts.count == 2 ? Self.decoded(parts[1]) : "", fields[name] == nil
            else { return nil }
            fields[name] = value
        }
    }

    /// What was given; empty when it was not.
    package subscript(_ name: String) -> String { fields[name] ?? "" }

    private static func decoded(_ bytes: some Collection<UInt8>) -> String? {
        var out: [UInt8] = []
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case 43: out.append(32)
            case 37:
                guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
                out.append(high << 4 | low)
            default: out.append(byte)
            }
        }
        return String(validating: out, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
