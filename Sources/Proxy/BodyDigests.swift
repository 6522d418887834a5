// BodyDigests: SHA-256 of both bodies of a turn, when the operator wants them.

import Crypto

/// Running digests of what came in and what went out.
struct BodyDigests {
    private var incoming = SHA256()
    private var outgoing = SHA256()

    mutating func addIn(_ bytes: UnsafeRawBufferPointer) { incoming.update(bufferPointer: bytes) }
    mutating func addOut(_ bytes: UnsafeRawBufferPointer) { outgoing.update(bufferPointer: bytes) }

    /// Both in lower-case hex.
    var hex: (String?, String?) { (text(incoming.finalize()), text(outgoing.finalize())) }

    private func text(_ digest: SHA256Digest) -> String {
        digest.map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}
