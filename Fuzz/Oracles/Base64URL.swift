// Base64URL: the writer for the reader of a key's labels.

/// RFC 4648, section 5, without padding.
package func base64URL(_ bytes: some Collection<UInt8>) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var out = ""
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let group = rest.prefix(3)
        rest = rest.dropFirst(3)
        let word = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
        for place in 0...group.count { out.append(alphabet[word >> (18 - 6 * place) & 63]) }
    }
    return out
}
