// KeyPolicy: a stored key's JSON, read in one pass. A hundred thousand keys are read at each start, and a general decoder takes
// most of a start's time; what this one does not know it leaves to that.

import Foundation
package import GatewayModel
import WireFormat

/// Reads a virtual key as `JSONEncoder` writes it. Nil when it is none.
package func decodeKeyPolicy(_ policy: String) -> VirtualKey? {
    var policy = policy
    let found = policy.withUTF8 { bytes -> VirtualKey? in
        var reader = KeyPolicyReader()
        do throws(JSONError) {
            try forEachJSONMember(UnsafeRawBufferPointer(bytes), failure: { $0 }) {
                (member: JSONMember) throws(JSONError) in
                reader.take(member)
            }
        } catch {
            return nil
        }
        return reader.key
    }
    return found ?? (try? JSONDecoder().decode(VirtualKey.self, from: Data(policy.utf8)))
}

private struct KeyPolicyReader {
    private var found = VirtualKey(id: "", principal: Principal(keyID: "", workspace: "", team: ""), secrets: [])
    private var isOdd = false

    /// Nil unless everything was there and known.
    var key: VirtualKey? {
        isOdd || found.id.isEmpty || found.principal.keyID.isEmpty || found.secrets.isEmpty ? nil : found
    }

    mutating func take(_ member: JSONMember) {
        switch member.key {
        case "id": found.id = text(member)
        case "principal": principal(member)
        case "secrets": secrets(member)
        case "notBefore": found.notBefore = time(member)
        case "expires": found.expires = time(member)
        case "revoked": found.revoked = truth(member)
        case "models": found.models = texts(member)
        case "endpoints":
            found.endpoints = texts(member).compactMap { Endpoint(rawValue: $0) }
            isOdd = isOdd || found.endpoints.count != texts(member).count
        case "networks": found.networks = texts(member)
        case "repository": found.repository = text(member)
        case "repositoryEnforced": found.repositoryEnforced = truth(member)
        case "strict": found.strict = truth(member)
        case "allowsAWSSignatures": found.allowsAWSSignatures = truth(member)
        case "cacheSeconds":
            found.cacheSeconds = member.integer.flatMap { Int(exactly: $0) }
            isOdd = isOdd || found.cacheSeconds == nil
        default: isOdd = true
        }
    }

    private mutating func principal(_ member: JSONMember) {
        var principal = found.principal
        visitJSONMembers(member.value) { inner in
            switch inner.key {
            case "keyID": principal.keyID = text(inner)
            case "workspace": principal.workspace = text(inner)
            case "team": principal.team = text(inner)
            case "developer": principal.developer = text(inner)
            case "serviceAccount": principal.serviceAccount = text(inner)
            default: isOdd = true
            }
        }
        found.principal = principal
    }

    private mutating func secrets(_ member: JSONMember) {
        visitJSONElements(member.value) { _, value in
            var secret = KeySecret(mac: [], generation: 0)
            visitJSONMembers(value) { inner in
                switch inner.key {
                case "mac":
                    secret.mac.reserveCapacity(32)
                    visitJSONElements(inner.value) { _, number in
                        guard let byte = decodeJSONInteger(number).flatMap({ UInt8(exactly: $0) }) else {
                            isOdd = true
                            return false
                        }
                        secret.mac.append(byte)
                        return true
                    }
                case "generation":
                    secret.generation = Int(inner.integer ?? 0)
                    isOdd = isOdd || inner.integer == nil
                case "validUntil": secret.validUntil = time(inner)
                default: isOdd = true
                }
            }
            found.secrets.append(secret)
            return true
        }
    }

    private mutating func text(_ member: JSONMember) -> String {
        isOdd = isOdd || member.string == nil
        return member.string ?? ""
    }

    private mutating func truth(_ member: JSONMember) -> Bool {
        isOdd = isOdd || member.boolean == nil
        return member.boolean ?? true
    }

    private mutating func time(_ member: JSONMember) -> Timestamp? {
        let time = Timestamp(rfc3339: text(member))
        isOdd = isOdd || time == nil
        return time
    }

    private mutating func texts(_ member: JSONMember) -> [String] {
        var texts: [String] = []
        visitJSONElements(member.value) { kind, value in
            guard kind == .string else {
                isOdd = true
                return false
            }
            texts.append(decodeJSONString(UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])))
            return true
        }
        return texts
    }
}
