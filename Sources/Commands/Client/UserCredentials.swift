// UserCredentials: the developer's own files: which gateways they are logged in to, with which key. They hold secrets, so they are
// their owner's alone, and a file that others can read is refused rather than used.

package import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The key of one gateway.
package struct GatewayCredential: Sendable, Hashable, Codable {
    /// The whole virtual key, secret included.
    package var key: String
    package var keyID: String
    package var developer: String
    package var team: String
    /// RFC 3339.
    package var created: String

    enum CodingKeys: String, CodingKey {
        case key, developer, team, created
        case keyID = "key_id"
    }

    package init(key: String, keyID: String, developer: String, team: String, created: String) {
        self.key = key
        self.keyID = keyID
        self.developer = developer
        self.team = team
        self.created = created
    }
}

/// `credentials.json`: a key for each gateway by its origin, and which of them is meant when none is named.
package struct UserCredentials: Sendable, Hashable, Codable {
    package var current: String?
    package var gateways: [String: GatewayCredential] = [:]

    package init() {}

    package var currentCredential: GatewayCredential? { current.flatMap { gateways[$0] } }
}

/// The folder `$XDG_CONFIG_HOME/weir`, or `~/.config/weir`.
package struct UserFolder: Sendable, Hashable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Throws when the environment names no home. A relative XDG_CONFIG_HOME is ignored, as its specification says.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") {
            path = "\(base)/weir"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            path = "\(home)/.config/weir"
        } else {
            throw CommandFailure("no_home", "there is no home folder to keep a key in", mend: "set HOME or XDG_CONFIG_HOME")
        }
    }

    package var credentialsFile: String { "\(path)/credentials.json" }
    /// The current gateway's key, one line, for programs that read a key from a file.
    package var keyFile: String { "\(path)/key" }
    /// The shim that prints a labelled key.
    package var credentialProgram: String { "\(path)/credential" }
    /// What `weir connect` remembers, to undo it.
    package var connectFolder: String { "\(path)/connect" }

    // MARK: Credentials

    /// What is stored; nothing when there is no file.
    package func credentials() throws -> UserCredentials {
        let file = credentialsFile
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else {
                throw CommandFailure("credentials_unreadable", "cannot read \(file)", mend: "check its owner and mode")
            }
            return UserCredentials()
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // Asked of the open file, so that it cannot be exchanged in between.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw CommandFailure("credentials_exposed", "others can read \(file), which holds a key", mend: "run: chmod 600 \(file)")
        }
        guard let data = try? handle.readToEnd(), let read = try? JSONDecoder().decode(UserCredentials.self, from: data) else {
            throw CommandFailure(
                "credentials_damaged", "\(file) is not what weir login writes", mend: "move it away, then run: weir login URL")
        }
        return read
    }

    /// Changes what is stored: one process at a time, whole or not at all. The key file follows the current gateway.
    package func updateCredentials(_ change: (inout UserCredentials) throws -> Void) throws {
        try create()
        let lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX) == 0 else { throw unwritable("lock") }
        defer { close(lock) }
        var credentials = try credentials()
        try change(&credentials)
        if let current = credentials.current, credentials.gateways[current] == nil { credentials.current = nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write("credentials.json", try encoder.encode(credentials) + Data("\n".utf8), mode: 0o600)
        if let key = credentials.currentCredential?.key {
            try write("key", Data("\(key)\n".utf8), mode: 0o600)
        } else if unlink(keyFile) != 0, errno != ENOENT {
            throw unwritable("key")
        }
    }

    // MARK: Files

    /// Makes the folder, for its owner alone.
    package func create() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("cannot_create_folder", "cannot create \(path)", mend: "check HOME and XDG_CONFIG_HOME")
        }
    }

    /// Writes a file of the folder so that it is there whole, with its mode, or as it was before.
    package func write(_ name: String, _ data: Data, mode: mode_t) throws {
        try create()
        let aside = "\(path)/.\(name).\(UInt64.random(in: 0 ... .max))"
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw unwritable(name) }
        defer { close(descriptor) }
        let isWhole = data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        // The umask must not take away what the mode grants.
        guard isWhole, fchmod(descriptor, mode) == 0, fsync(descriptor) == 0, rename(aside, "\(path)/\(name)") == 0 else {
            unlink(aside)
            throw unwritable(name)
        }
    }

    private func unwritable(_ name: String) -> CommandFailure {
        CommandFailure("cannot_write", "cannot write \(path)/\(name)", mend: "give the folder room and its owner rights")
    }
}
