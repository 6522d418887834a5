// CredentialLabels: what a client says behind the dot of its key. A program that can only run a command for its key, or take one
// from its environment, names its repository that way: `weir_k_….<base64url of repo=…&branch=…>`.

import GatewayModel

/// The labels of a key. They are the client's own words, as headers are: whatever is malformed gives no label, never an error.
struct CredentialLabels {
    /// A longer text gives no labels. Twice what six labels of ordinary length need.
    static let textBytesMax = 4096

    private(set) var repository: String?
    private(set) var branch: String?
    private(set) var commit: String?
    private(set) var session: String?
    private(set) var parentSession: String?
    private(set) var agent: String?

    init() {}

    /// - Parameter text: what follows the dot: base64url without padding (RFC 4648, section 5) of form-encoded labels.
    init(_ text: UnsafeRawBufferPointer) {
        guard text.count <= Self.textBytesMax, let form = base64URLDecoded(text) else { return }
        for pair in form.split(separator: 38) {
            guard let equals = pair.firstIndex(of: 61),
                let value = formDecoded(pair[(equals + 1)...]).flatMap(AttributionReader.label)
            else { continue }
            let name = pair[..<equals]
            // The first of a name counts, as it does with headers.
            if name.elementsEqual("repo".utf8) {
                repository = repository ?? repositoryLabel(value)
            } else if name.elementsEqual("branch".utf8) {
                branch = branch ?? value
            } else if name.elementsEqual("commit".utf8) {
                commit = commit ?? value
            } else if name.elementsEqual("session".utf8) {
                session = session ?? value
            } else if name.elementsEqual("parent".utf8) {
                parentSession = parentSession ?? value
            } else if name.elementsEqual("agent".utf8) {
                agent = agent ?? value
            }
        }
    }

    /// Whether branch and commit may stand beside this repository: a branch of one repository says nothing of another.
    /// `acme/shop` is taken for `github.com/acme/shop`: people write it so.
    func describes(_ other: String?) -> Bool {
        guard let repository else { return true }
        guard let other else { return false }
        return repository == other || repository.hasSuffix("/" + other) || other.hasSuffix("/" + repository)
    }
}

/// Strict: no padding, no foreign character, no stray bits.
private func base64URLDecoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    guard !text.isEmpty, text.count % 4 != 1 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(text.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for byte in text {
        let value: UInt8
        switch byte {
        case 65...90: value = byte - 65
        case 97...122: value = byte - 71
        case 48...57: value = byte + 4
        case 45: value = 62
        case 95: value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        count += 6
        guard count >= 8 else { continue }
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
    }
    return bits & (1 << UInt32(count) - 1) == 0 ? out : nil
}

/// A value of `application/x-www-form-urlencoded`: percent-encoded, a plus for a space.
private func formDecoded(_ bytes: ArraySlice<UInt8>) -> String? {
    percentDecoded(bytes.map { $0 == 43 ? 32 : $0 })
}

/// Undoes percent-encoding. Nil when that is malformed or the text is not UTF-8.
func percentDecoded(_ text: some Sequence<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = text.makeIterator()
    while let byte = rest.next() {
        guard byte == 37 else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
