// ServedFiles: the scripts that Weir hands out as they stand in the repository, part of the binary.

import Foundation
import Proxy

enum ServedFiles {
    static let loginScript = script(PackageResources.login_sh)
    static let shim = script(PackageResources.weir_credential_sh)

    /// The OpenCode plugin, told which gateway its headers are for.
    static func plugin(_ origin: PublicOrigin) -> OriginAnswer {
        let text = String(decoding: PackageResources.weir_js, as: UTF8.self)
            .replacingOccurrences(of: "\nconst GATEWAY = \"\";\n", with: "\nconst GATEWAY = \(quoted(origin.text));\n")
        return file("text/javascript; charset=utf-8", Array(text.utf8))
    }

    private static func script(_ bytes: [UInt8]) -> OriginAnswer { file("text/x-shellscript; charset=utf-8", bytes) }

    private static func file(_ type: String, _ bytes: [UInt8]) -> OriginAnswer {
        OriginAnswer(
            status: 200,
            headers: [("Content-Type", type), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")], body: bytes)
    }
}
