// Pepper: the secret under which keys' secrets and rows are MACed. It lies in a file of its own beside the databases, so that
// whoever can write a database cannot mint a key.

import Crypto
import Foundation
package import GatewayModel
import Policy

#if canImport(Glibc)
    import Glibc
#endif

/// Why the pepper cannot be used; the message says what to do.
package struct PepperError: Error, Sendable {
    package var message: String
}

/// 32 random bytes in `DATA/pepper`, readable by the owner alone.
package struct Pepper: Sendable {
    package let bytes: [UInt8]
    /// Derived for rows alone.
    private let rowKey: SymmetricKey
    /// Derived for one-time codes alone.
    private let codeKey: SymmetricKey

    /// Reads the file, or makes it when there is none.
    package init(directory: String, random: any RandomSource) throws {
        let path = "\(directory)/pepper"
        if !FileManager.default.fileExists(atPath: path) {
            var made: [UInt8] = []
            for _ in 0..<4 { withUnsafeBytes(of: random.next()) { made.append(contentsOf: $0) } }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw PepperError(message: "cannot create \(path)") }
            defer { close(descriptor) }
            guard write(descriptor, made, made.count) == made.count, fsync(descriptor) == 0 else {
                throw PepperError(message: "cannot write \(path)")
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw PepperError(message: "cannot read \(path)") }
        guard status.st_mode & 0o077 == 0 else {
            throw PepperError(message: "\(path) may be read by others; run: chmod 600 \(path)")
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        guard data.count == 32 else { throw PepperError(message: "\(path) is damaged: it must hold 32 bytes") }
        bytes = Array(data)
        rowKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: data), info: Data("weir row mac".utf8), outputByteCount: 32)
        codeKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: data), info: Data("weir code mac".utf8), outputByteCount: 32)
    }

    /// A one-time code's MAC in hex, under a key derived for codes alone. Codes of different purposes never meet.
    package func codeMAC(_ purpose: String, _ code: String) -> String {
        var hash = HMAC<SHA256>(key: codeKey)
        hash.update(data: Data("\(purpose):\(code)".utf8))
        return hex(hash.finalize())
    }

    /// HMAC-SHA-256 of a key's id and secret.
    package func mac(keyID: String, secret: [UInt8]) -> [UInt8] {
        var hash = HMAC<SHA256>(key: SymmetricKey(data: bytes))
        hash.update(data: Array(keyID.utf8))
        hash.update(data: secret)
        return Array(hash.finalize())
    }

    /// The secret access key that belongs to a key's secret, in hex. It is stored nowhere: who holds the pepper derives it.
    package func awsSecret(keyID: String, mac: [UInt8]) -> String {
        var hash = HMAC<SHA256>(key: SymmetricKey(data: bytes))
        hash.update(data: AWSKey.secretMessage(keyID: keyID, mac: mac))
        return hex(hash.finalize())
    }

    /// A row's MAC in hex, under a key derived for rows alone.
    package func rowMAC(_ parts: [String]) -> String {
        var hash = HMAC<SHA256>(key: rowKey)
        for part in parts {
            hash.update(data: Data("\(part.utf8.count):".utf8))
            hash.update(data: Data(part.utf8))
        }
        return hex(hash.finalize())
    }

    private func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
