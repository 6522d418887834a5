// KeyAuthentication: from the fields of a head to the virtual key that is calling, or a refusal.

import Crypto
import GatewayModel
import Policy
import WireFormat

/// A token that was found good, with the key that it is of. A connection keeps its last one: an agent presents the same token with
/// every request, and comparing it costs a hundredth of verifying it. It is forgotten with each new snapshot, so that a key is never
/// judged by an older one.
final class KnownKey: Sendable {
    let value: VirtualKey
    /// Whether the key's own policy may refuse a request whatever it asks for: most keys have nothing of the kind.
    let hasConditions: Bool
    private let token: [UInt8]
    /// When the secret in it stops being accepted; nil for the current one.
    private let validUntil: Timestamp?

    init(_ value: VirtualKey, token: UnsafeRawBufferPointer, validUntil: Timestamp?) {
        self.value = value
        hasConditions = KeyAccess.hasConditions(value)
        self.token = Array(token)
        self.validUntil = validUntil
    }

    /// Whether this is the token, and still good. Takes the same time wherever two tokens differ.
    func isStill(_ presented: UnsafeRawBufferPointer, at now: Timestamp) -> Bool {
        guard presented.count == token.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<token.count { difference |= token[index] ^ presented[index] }
        return difference == 0 && isGood(at: now)
    }

    /// Whether the secret in it is still accepted.
    func isGood(at now: Timestamp) -> Bool { validUntil.map { now < $0 } ?? true }
}

/// The caller's key. SDKs put it into different fields; two different ones in one request are refused. Labels behind the dot of a
/// key are no part of it.
/// - Parameters:
///   - queryKey: the key in the query, where Google's clients may put it.
///   - known: the last key of this connection under this snapshot.
func authenticate(
    _ fields: HTTPFields, queryKey: String? = nil, snapshot: GatewaySnapshot, at now: Timestamp, known: KnownKey?
) throws(GatewayError) -> KnownKey {
    var found: HTTPFields.Field?
    var start = 0
    for index in 0..<fields.list.count {
        let field = fields.list[index]
        let offset = credentialOffset(fields, field)
        guard offset >= 0 else { continue }
        if let found {
            let isSame = fields.withValue(found) { first in
                fields.withValue(field) { second in
                    keyText(first, from: start).elementsEqual(keyText(second, from: offset))
                }
            }
            guard isSame else { throw .conflictingKeys }
        } else {
            found = field
            start = offset
        }
    }
    if let queryKey {
        let bytes = Array(queryKey.utf8)
        let isSame = bytes.withUnsafeBytes { asked in
            found.map { field in
                fields.withValue(field) { keyText($0, from: start).elementsEqual(keyText(asked, from: 0)) }
            } ?? true
        }
        guard isSame else { throw .conflictingKeys }
        guard found != nil else {
            return try bytes.withUnsafeBytesTyped { token throws(GatewayError) in
                try verify(keyText(token, from: 0), snapshot: snapshot, at: now)
            }
        }
    }
    guard let found else { throw .missingKey }
    let outcome: Result<KnownKey, GatewayError> = fields.withValue(found) { value in
        do throws(GatewayError) {
            let token = keyText(value, from: start)
            if let known, known.isStill(token, at: now) { return .success(known) }
            return .success(try verify(token, snapshot: snapshot, at: now))
        } catch {
            return .failure(error)
        }
    }
    return try outcome.get()
}

/// Where the credential begins in this field's value, or -1 when the field carries none.
private func credentialOffset(_ fields: HTTPFields, _ field: HTTPFields.Field) -> Int {
    switch field.nameCount {
    case 13 where fields.isNamed(field, "authorization"):
        return fields.withValue(field) { value in
            guard value.count > 7,
                equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: value[0..<7]), "bearer ")
            else { return -1 }
            return 7
        }
    case 9 where fields.isNamed(field, "x-api-key"), 14 where fields.isNamed(field, "x-goog-api-key"),
        7 where fields.isNamed(field, "api-key"):
        return field.valueCount > 0 ? 0 : -1
    default: return -1
    }
}

/// The credential without the labels that may follow it: `weir_k_….cmVwbz0…`. Read by `AttributionReader`.
private func keyText(_ value: UnsafeRawBufferPointer, from start: Int) -> UnsafeRawBufferPointer {
    let dot = start + VirtualKey.textBytes
    return UnsafeRawBufferPointer(rebasing: value[start..<(value.count > dot && value[dot] == 46 ? dot : value.count)])
}

private func verify(
    _ token: UnsafeRawBufferPointer, snapshot: GatewaySnapshot, at now: Timestamp
) throws(GatewayError) -> KnownKey {
    let parsed = try KeyToken.parse(token)
    guard let key = snapshot.keys[parsed.keyID] else { throw .invalidKey }
    var hash = snapshot.keyMAC
    hash.update(data: parsed.keyIDBytes + parsed.secret)
    let code = hash.finalize()
    // A rotated secret is good until its overlap ends.
    for secret in key.secrets where code == secret.mac && secret.validUntil.map({ now < $0 }) ?? true {
        return KnownKey(key, token: token, validUntil: secret.validUntil)
    }
    throw .invalidKey
}

extension [UInt8] {
    fileprivate func withUnsafeBytesTyped<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure> = withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}

/// Google's `key` parameter, and the query without it: a key must reach neither a provider nor a log.
func splitQueryKey(_ query: String) -> (key: String?, rest: String) {
    guard query.hasPrefix("key=") || query.contains("&key=") else { return (nil, query) }
    var key: String?
    var rest: [Substring] = []
    for pair in query.split(separator: "&") {
        if pair.hasPrefix("key=") { key = key ?? String(pair.dropFirst(4)) } else { rest.append(pair) }
    }
    return (key, rest.joined(separator: "&"))
}
