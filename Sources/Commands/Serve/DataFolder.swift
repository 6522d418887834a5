// DataFolder: where everything of a node lies, with a lock that keeps a second server out.

import Foundation
import Journal
import Storage

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

    /// Makes the folder, for its owner alone, or closes one that is there to others. So is every file that this process makes from now
    /// on, whatever the folder is. Gives the mask by which files were made before.
    @discardableResult
    func create() throws -> mode_t {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("cannot_create_data", "cannot create the data folder \(path)", mend: "choose another by --data")
        }
        closeToOthers()
        return umask(0o077)
    }

    /// Somebody may have made the folder before, with the mode that folders usually have, and older versions the databases.
    private func closeToOthers() {
        for name in ["control.db", "ledger.db"] {
            for suffix in ["", "-wal", "-shm"] { _ = chmod("\(path)/\(name)\(suffix)", 0o600) }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        // A sticky folder is everybody's on purpose, as /tmp is; one with other things in it may be a system's.
        let isOurs = status.st_uid == geteuid() && status.st_mode & 0o1000 == 0 && (exists || listFolder(path).isEmpty)
        guard !isOurs || chmod(path, 0o700) != 0 else { return }
        standardError(
            "Warning: others may enter the data folder \(path), which is not this user's and Weir's alone to close. "
                + "Give Weir a folder of its own (--data), or run as its owner: chmod 700 \(path)")
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

/// Opens the folder's databases, or says what is in the way.
func openDatabases(_ folder: DataFolder) throws -> Databases {
    do {
        return try Databases(directory: folder.path)
    } catch let error as StorageError {
        throw CommandFailure("store_refused", error.message, mend: "use a Weir of that version, or another folder: --data DIR")
    } catch {
        throw CommandFailure(
            "store_unavailable", "cannot open the databases in \(folder.path): \(error)",
            mend: "give the folder room and rights, and end what else holds them")
    }
}

/// Words for a failure of the journal.
func describe(_ error: JournalError) -> String {
    switch error {
    case .unavailable(let reason): "the journal cannot be written: \(reason)"
    case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
    case .recordTooLarge(let bytes): "a journal record of \(bytes) bytes is too large"
    }
}
