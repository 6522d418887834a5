// KeyAuthentication: from the fields of a head to the virtual key that is calling, or a refusal.

import Crypto
import GatewayModel
import Policy
import WireFormat

/// The caller's key. SDKs put it into different fields; two different ones in one request are refused. Labels behind the dot of a
/// key are no part of it.
func authenticate(
    _ fields: HTTPFields, snapshot: GatewaySnapshot, at now: Timestamp
) throws(GatewayError) -> VirtualKey {
    var found: HTTPFields.Field?
    var start = 0
    for field in fields.list {
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
    guard let found else { throw .missingKey }
    let outcome: Result<VirtualKey, GatewayError> = fields.withValue(found) { value in
        do throws(GatewayError) {
            return .success(try verify(keyText(value, from: start), snapshot: snapshot, at: now))
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
) throws(GatewayError) -> VirtualKey {
    let parsed = try KeyToken.parse(token)
    guard let key = snapshot.keys[parsed.keyID] else { throw .invalidKey }
    var hash = snapshot.keyMAC
    hash.update(data: parsed.keyIDBytes + parsed.secret)
    let code = hash.finalize()
    // A rotated secret is good until its overlap ends.
    for secret in key.secrets where code == secret.mac && secret.validUntil.map({ now < $0 }) ?? true { return key }
    throw .invalidKey
}
