// DataFolder: where everything of a node lies, with a lock that keeps a second server out.

import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The data folder of a node.
struct DataFolder: Sendable {
    let path: String

    init(_ path: String) { self.path = path }

    var socket: String { "\(path)/weir.sock" }
    var journal: String { "\(path)/journal" }
    var exists: Bool { FileManager.default.fileExists(atPath: "\(path)/pepper") }

    /// Makes the folder, for its owner alone.
    func create() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("cannot_create_data", "cannot create the data folder \(path)", mend: "choose another by --data")
        }
    }

    /// Takes the lock for as long as the process lives.
    func lock() throws {
        let descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure("cannot_lock", "cannot open \(path)/lock", mend: "check the folder's owner")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandFailure(
                "already_running", "another server works in \(path)", mend: "stop it, or choose another folder by --data")
        }
        // Never closed: the lock ends with the process.
        unlink(socket)
    }
}
