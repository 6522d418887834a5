// BedrockNames: regions and model ids, as they stand in hosts, paths and prices.

package import GatewayModel

/// A model id as one part of a path: every byte but unreserved ones (RFC 3986, section 2.3) is escaped, once.
package func pathSegment(_ text: String) -> String {
    var out: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
        let isUnreserved =
            byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte == 45 || byte == 46 || byte == 95
            || byte == 126
        if isUnreserved { out.append(byte) } else { out += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    }
    return String(decoding: out, as: UTF8.self)
}

/// A region: `us-east-1`. It becomes a part of a host name.
func isRegion(_ text: String) -> Bool {
    (1...40).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 97 && $0 <= 122 || $0 >= 48 && $0 <= 57 || $0 == 45 }
}

/// The region in the host name of an endpoint of AWS's: `bedrock-runtime.eu-west-1.amazonaws.com`.
func region(ofHost host: String) -> String? {
    let parts = host.split(separator: ".").map(String.init)
    guard parts.count >= 3, parts[0].hasPrefix("bedrock"), host.contains("amazonaws.") || host.hasSuffix(".api.aws") else { return nil }
    return isRegion(parts[1]) ? parts[1] : nil
}

extension Provider {
    /// Of an ARN of Bedrock's, its last part, which names a profile or a model.
    func withoutARN(_ model: String) -> String {
        guard kind == .bedrock, model.hasPrefix("arn:"), let slash = model.utf8.lastIndex(of: 47) else { return model }
        return String(model[model.utf8.index(after: slash)...])
    }

    /// Whether it serves this model in this dialect. InvokeModel takes each vendor's own JSON, and only Claude's is one of the dialects.
    package func speaks(_ dialect: Dialect, for model: String, translated: Bool) -> Bool {
        guard dialects.contains(dialect) else { return false }
        if traits.layout == .vertex { return isVertexDialect(dialect, of: aliases[model] ?? model) }
        guard translated, dialect == .bedrockInvoke else { return true }
        return model.contains("anthropic.") || model.contains("claude")
    }
}
