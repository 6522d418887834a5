// CertificateFiles: where `weir init --tls` puts what it makes. The private key is readable by its owner alone, from its first byte.

import Foundation
import GatewayModel

/// The files of a development certificate in a data folder.
struct CertificateFiles {
    let authority: String
    let certificate: String
    let privateKey: String

    init(folder: String) {
        authority = "\(folder)/tls/ca.crt"
        certificate = "\(folder)/tls/tls.crt"
        privateKey = "\(folder)/tls/tls.key"
    }

    /// Refuses to write over what is there.
    func check() throws {
        for path in [authority, certificate, privateKey] where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure("file_exists", "\(path) exists already", mend: "move it away, or leave out --tls")
        }
    }

    /// Makes a certificate for this machine and the names given.
    func write(names: [String], now: Timestamp) throws {
        let isAddress: (String) -> Bool = {
            $0.contains(":") || $0.split(separator: ".").count == 4 && $0.allSatisfy { "0123456789.".contains($0) }
        }
        let addresses = try names.filter(isAddress).map { text in
            guard let bytes = Self.bytes(ofAddress: text) else {
                throw CommandFailure("malformed_address", "\"\(text)\" is no address", mend: "--tls-name 10.1.2.3")
            }
            return bytes
        }
        let made = try DevelopmentCertificate(
            names: ["localhost"] + names.filter { !isAddress($0) && $0 != "localhost" },
            addresses: [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]] + addresses, now: now)
        let folder = (certificate as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for (path, text) in [(authority, made.authority), (certificate, made.chain), (privateKey, made.privateKey)] {
            let mode = path == privateKey ? 0o600 : 0o644
            guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]) else {
                throw CommandFailure("cannot_write", "\(path) cannot be written", mend: "check the folder's owner")
            }
        }
    }

    private static func bytes(ofAddress text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        return inet_pton(AF_INET6, text, &six) == 1 ? withUnsafeBytes(of: six) { Array($0) } : nil
    }
}
