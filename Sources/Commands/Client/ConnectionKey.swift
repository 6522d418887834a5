// ConnectionKey: the gateway and the key that a developer's machine uses, as `weir login` keeps them.

import ClientSetup
import Foundation

/// Reads and writes `credentials.json` and `key`.
struct ConnectionKey {
    let place: ClientPlace

    private var file: String { "\(place.weirFolder)/credentials.json" }

    /// The gateway in use and its key.
    func current() throws -> (gateway: String, key: String)? {
        guard let document = try settings(), let gateway = document["current"]?.text, let key = key(for: gateway, document) else {
            return nil
        }
        return (gateway, key)
    }

    func key(for gateway: String) throws -> String? { try settings().flatMap { key(for: gateway, $0) } }

    private func key(for gateway: String, _ document: SettingValue) -> String? { document.at(["gateways", gateway, "key"])?.text }

    private func settings() throws -> SettingValue? {
        do throws(SetupRefusal) { return try place.settings(file, .json) } catch { throw CommandFailure(error) }
    }

    /// Stores a key and makes its gateway the one in use.
    func store(gateway: String, key: String) throws {
        let keyID = key.split(separator: "_").dropFirst(2).first.map(String.init) ?? ""
        let edit = FileEdit(
            file, .json, isSecret: true,
            [
                .set(["current"], .string(gateway)), .set(["gateways", gateway, "key"], .string(key)),
                .set(["gateways", gateway, "key_id"], .string(keyID)),
            ])
        let after: [UInt8]
        do throws(MalformedFile) { after = try edit.change(from: place.bytes(file)).after } catch {
            throw CommandFailure("malformed_file", "\(file), \(error)", mend: "mend it or take it away, then run: weir login")
        }
        try DiskFiles.write(after, to: file, mode: 0o600, folderMode: 0o700)
        try DiskFiles.write(Array("\(key)\n".utf8), to: place.keyFile, mode: 0o600, folderMode: 0o700)
    }
}

extension CommandFailure {
    init(_ refusal: SetupRefusal) { self.init(refusal.code, refusal.message, mend: refusal.mend) }
}
