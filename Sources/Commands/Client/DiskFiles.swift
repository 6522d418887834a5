// DiskFiles: reads and replaces files of the user: whole or not at all, through links, with the mode that they had.

import ClientSetup
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The user's files.
enum DiskFiles {
    /// A configuration is at most this large.
    private static let bytesMax = 8 << 20

    /// A file's bytes; nil when there is none. What is there and cannot be read must not be taken for nothing.
    static func read(_ path: String) throws(SetupRefusal) -> [UInt8]? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unreadable(path, String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path, "it is no file") }
        guard status.st_size <= bytesMax else { throw unreadable(path, "it is larger than \(bytesMax >> 20) MiB") }
        guard let data = FileManager.default.contents(atPath: path) else { throw unreadable(path, "it may not be read") }
        return Array(data)
    }

    private static func unreadable(_ path: String, _ reason: String) -> SetupRefusal {
        SetupRefusal("cannot_read", "cannot read \(path): \(reason)", mend: "see what stands there; nothing was written")
    }

    /// Its permissions; nil when there is none.
    static func mode(_ path: String) -> UInt16? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return UInt16(truncatingIfNeeded: status.st_mode & 0o7777)
    }

    /// Writes a file beside the old one and puts it in its place. Gives the folders that had to be made, outermost first.
    @discardableResult static func write(_ bytes: [UInt8], to path: String, mode: UInt16, folderMode: UInt16 = 0o755) throws -> [String] {
        // A link stays a link: what it points at is replaced.
        let target = resolved(path)
        let folder = (target as NSString).deletingLastPathComponent
        let made = try makeFolders(folder, mode: folderMode)
        let temporary = "\(folder)/.weir-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else { throw failure(path) }
        var isDone = false
        defer {
            close(descriptor)
            if !isDone { unlink(temporary) }
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure(path) }
            rest = rest.dropFirst(count)
        }
        guard fchmod(descriptor, mode_t(mode)) == 0, fsync(descriptor) == 0, rename(temporary, target) == 0 else {
            throw failure(path)
        }
        isDone = true
        return made
    }

    static func remove(_ path: String) throws {
        guard unlink(resolved(path)) == 0 || errno == ENOENT else { throw failure(path) }
    }

    /// Removes folders that are empty, innermost first.
    static func removeFolders(_ folders: [String]) {
        for folder in folders.sorted(by: { $0.utf8.count > $1.utf8.count }) { rmdir(folder) }
    }

    private static func resolved(_ path: String) -> String {
        if let place = realpath(path, nil) {
            defer { free(place) }
            return String(cString: place)
        }
        // A link to a file that is not there yet.
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
        return target.hasPrefix("/") ? target : "\((path as NSString).deletingLastPathComponent)/\(target)"
    }

    private static func makeFolders(_ folder: String, mode: UInt16) throws -> [String] {
        var missing: [String] = []
        var next = folder
        while !next.isEmpty, next != "/", access(next, F_OK) != 0 {
            missing.insert(next, at: 0)
            next = (next as NSString).deletingLastPathComponent
        }
        for path in missing where mkdir(path, mode_t(mode)) != 0 && errno != EEXIST { throw failure(path) }
        return missing
    }

    private static func failure(_ path: String) -> CommandFailure {
        let reason = String(cString: strerror(errno))
        return CommandFailure(
            "cannot_write", "cannot write \(path): \(reason)",
            mend: errno == EACCES || errno == EPERM || errno == EROFS
                ? "use an account that may write there, or print it instead: --print" : "see why, then run the command again")
    }
}
