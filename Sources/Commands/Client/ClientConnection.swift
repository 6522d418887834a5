// ClientConnection: which gateway and which key a developer's machine uses, and what it learns from that gateway before it writes
// a client's configuration.

import ClientSetup
import Foundation

/// A gateway's origin and the key for it.
struct ClientConnection {
    let gateway: String
    let key: String?

    /// What was given, what `weir login` stored, or the key in `WEIR_KEY`.
    init(gateway given: String?, key givenKey: String?, folder: UserFolder) throws {
        let stored = try folder.credentials()
        guard let text = given ?? stored.current else {
            throw CommandFailure(
                "no_gateway", "no gateway is known here", mend: "log in first: weir login URL   (or give --gateway URL --key KEY)")
        }
        gateway = try gatewayOrigin(text)
        switch GatewayReach(gateway) {
        case .fine: break
        case .exposed:
            standardError(
                "! \(gateway) is not encrypted: whoever is on this network can read keys and code. Use https:// for more than a trial.")
        case .refused:
            throw CommandFailure(
                "gateway_not_encrypted", "\(gateway) would carry keys and code over the network in the clear",
                mend: "use https://; http:// is for loopback and private addresses only")
        }
        // The shim puts labels behind the key that it exports.
        let exported = ProcessInfo.processInfo.environment["WEIR_KEY"].map { String($0.prefix { $0 != "." }) }
        key = givenKey ?? stored.gateways[gateway]?.key ?? exported.flatMap { $0.isEmpty ? nil : $0 }
        if let key, !key.hasPrefix("weir_k_") || key.contains(".") || !key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) {
            throw CommandFailure("bad_key", "this is not a virtual key", mend: "give it as `weir key create` printed it: weir_k_…")
        }
    }

    /// Stores the key as `weir login` does, if it is not stored yet.
    func store(in folder: UserFolder) throws {
        guard let key else { return }
        let stored = try folder.credentials()
        let isCurrent = stored.current == gateway && stored.gateways[gateway]?.key == key
        if isCurrent, FileManager.default.fileExists(atPath: folder.keyFile) { return }
        let keyID = key.split(separator: "_").dropFirst(2).first.map(String.init) ?? ""
        try folder.updateCredentials { credentials in
            if credentials.gateways[gateway]?.key != key {
                credentials.gateways[gateway] = GatewayCredential(key: key, keyID: keyID, developer: "", team: "", created: "")
            }
            credentials.current = gateway
        }
    }

    /// What the gateway offers to this key and to this client.
    func context(for client: any CodingClient, _ place: ClientPlace, scope: SetupScope, model: String?, isOffline: Bool) async throws
        -> SetupContext
    {
        var place = place
        place.gateway = gateway
        var context = SetupContext(place: place, gateway: gateway, key: key, models: [], model: model, scope: scope)
        guard !isOffline else { return context }
        let probe = GatewayProbe(gateway: gateway, key: key)
        if key != nil { context.models = try await probe.models() }
        for path in client.gatewayFiles + ["/shim.sh"] {
            // A page of a proxy in between is no script.
            if let answer = try? await probe.get(path), answer.status == 200, !answer.text.hasPrefix("<") {
                context.gatewayFiles[path] = answer.text
            }
        }
        for path in client.neededPaths {
            if let answer = try? await probe.get(path), answer.status == 404 { context.missingPaths.insert(path) }
        }
        if let model, !context.models.isEmpty, !context.models.contains(where: { $0.id == model || "\($0.provider)/\($0.id)" == model }) {
            standardError("! The gateway does not list the model \(model) for this key.")
        }
        return context
    }
}
