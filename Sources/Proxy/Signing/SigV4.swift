// SigV4: AWS's signature of a request (Signature Version 4; protocols.md, section 4.1), of those that go to AWS and of those that AWS SDKs
// send. Pure: the time is given.

import Crypto
package import GatewayModel

/// What is signed of a request.
package struct SigV4Request {
    package var method: String
    /// The path as it stands on the wire, its parts escaped once.
    package var path: String
    package var query: String
    /// Lower-case names with their values, sorted by name.
    package var fields: [(name: String, value: String)]
    /// SHA-256 of the body, in hex.
    package var bodyHash: String

    package init(method: String, path: String, query: String, fields: [(name: String, value: String)], bodyHash: String) {
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.bodyHash = bodyHash
    }

    /// The names that are signed, as they stand in the signature.
    package var signedNames: String { fields.map(\.name).joined(separator: ";") }

    /// What is hashed for the signature. Escapes of the path are escaped once more: `%3A` is `%253A` here.
    package var canonical: String {
        var text = "\(method)\n\(Self.escapedPath(path))\n\(Self.sortedQuery(query))\n"
        for field in fields { text += "\(field.name):\(Self.trimmed(field.value))\n" }
        return text + "\n\(signedNames)\n\(bodyHash)"
    }

    private static func escapedPath(_ path: String) -> String {
        var out: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in path.utf8 {
            let isKept =
                byte >= 45 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte == 95 || byte == 126
            if isKept { out.append(byte) } else { out += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        }
        return out.isEmpty ? "/" : String(decoding: out, as: UTF8.self)
    }

    /// Parameters sorted by name and value; one without a value gets an empty one.
    private static func sortedQuery(_ query: String) -> String {
        guard !query.isEmpty else { return "" }
        let pairs = query.split(separator: "&").map { part -> (String, String) in
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
        }
        return pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Without spaces around it, and one where several stand together.
    private static func trimmed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }
}

/// Where and when a signature holds.
package struct SigV4Scope: Sendable, Hashable {
    /// `20260102`
    package var date: String
    package var region: String
    package var service: String

    package init(date: String, region: String, service: String) {
        self.date = date
        self.region = region
        self.service = service
    }

    package var text: String { "\(date)/\(region)/\(service)/aws4_request" }
}

/// The signature in hex.
/// - Parameter time: `20260102T030405Z`
package func sigV4Signature(_ request: SigV4Request, scope: SigV4Scope, time: String, secretAccessKey: String) -> String {
    let canonicalHash = hexText(SHA256.hash(data: Array(request.canonical.utf8)))
    let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope.text)\n\(canonicalHash)"
    var key = SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
    for part in [scope.date, scope.region, scope.service, "aws4_request"] {
        key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
    }
    return hexText(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
}

/// `20260102T030405Z`
package func sigV4Time(_ time: Timestamp) -> String {
    String(time.rfc3339.prefix { $0 != "." && $0 != "Z" }.filter { $0 != "-" && $0 != ":" }) + "Z"
}

/// Bytes in lower-case hex.
func hexText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
