// ConnectionStore: carries out what connecting a client means, and remembers how to undo it.

import ClientSetup
import Foundation

/// The changes of one client, and where what they undo is kept.
struct ConnectionStore {
    let place: ClientPlace
    let client: any CodingClient

    private var folder: String { "\(place.weirFolder)/connect" }

    /// One record for the user, one for each repository, one for the machine.
    func recordPath(_ scope: SetupScope) -> String {
        switch scope {
        case .user: "\(folder)/\(client.name).json"
        case .managed: "\(folder)/\(client.name).managed.json"
        case .project: "\(folder)/\(client.name).project.\(fingerprint(place.repository?.root ?? place.workingFolder)).json"
        }
    }

    func record(_ scope: SetupScope) throws -> UndoRecord? {
        let path = recordPath(scope)
        guard let bytes = try contents(path) else { return nil }
        do {
            return try JSONDecoder().decode(UndoRecord.self, from: Data(bytes))
        } catch {
            throw CommandFailure(
                "bad_record", "\(path) is not what weir connect wrote", mend: "take it away; the client's files then stay as they are")
        }
    }

    private func contents(_ path: String) throws -> [UInt8]? {
        do throws(SetupRefusal) { return try place.contents(path) } catch { throw CommandFailure(error) }
    }

    /// What edits mean for the files as they are.
    func changes(_ files: [FileEdit]) throws -> [FileChange] {
        try files.map { edit in
            let before = try contents(edit.path)
            do throws(MalformedFile) {
                return try edit.change(from: before)
            } catch {
                throw CommandFailure(
                    "malformed_file", "\(edit.path), \(error)", mend: "mend the file by hand and run the command again; nothing was written"
                )
            }
        }
    }

    /// Refuses where a file is no longer what it was read as: what somebody wrote meanwhile would be lost.
    func check(_ files: [(path: String, read: [UInt8]?)]) throws {
        for file in files where try contents(file.path) != file.read {
            throw CommandFailure(
                "file_changed", "\(file.path) was changed by something else meanwhile; nothing of \(client.title)'s was changed",
                mend: "run the command again: it then starts from the file as it is")
        }
    }

    /// Refuses where a file is no longer what its change was computed from.
    func check(_ changes: [FileChange]) throws { try check(changes.map { (path: $0.path, read: $0.before) }) }

    /// Writes the changes. The record goes first, so that a crash between files leaves something to undo with.
    func apply(_ changes: [FileChange], gateway: String, scope: SetupScope) throws {
        let known = try record(scope)
        var record = known ?? UndoRecord(client: client.name, gateway: gateway)
        record.gateway = gateway
        for change in changes {
            do throws(MalformedFile) {
                try record.add(change, modeBefore: DiskFiles.mode(change.path))
            } catch {
                throw CommandFailure("malformed_file", "\(change.path), \(error)", mend: "mend the file by hand; nothing was written")
            }
        }
        for change in changes where !change.isSame {
            var folder = (change.path as NSString).deletingLastPathComponent
            while !FileManager.default.fileExists(atPath: folder), folder != "/", !folder.isEmpty {
                if !record.folders.contains(folder) { record.folders.append(folder) }
                folder = (folder as NSString).deletingLastPathComponent
            }
        }
        try check(changes)
        if record != known, !record.files.isEmpty { try save(record, scope) }
        for change in changes where !change.isSame {
            let mode = DiskFiles.mode(change.path).map { change.isSecret ? $0 & 0o700 : $0 } ?? change.mode
            try DiskFiles.write(change.after, to: change.path, mode: mode)
        }
    }

    private func save(_ record: UndoRecord, _ scope: SetupScope) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try DiskFiles.write(Array(try encoder.encode(record)), to: recordPath(scope), mode: 0o600, folderMode: 0o700)
    }

    /// Gives the files back. Gives sentences on what was done.
    func undo(_ scope: SetupScope) throws -> [String]? {
        guard let record = try record(scope) else { return nil }
        var steps: [(UndoFile, UndoStep)] = []
        var read: [(path: String, read: [UInt8]?)] = []
        var sentences: [String] = []
        for file in record.files {
            let current = try contents(file.path)
            read.append((path: file.path, read: current))
            do throws(MalformedFile) {
                let (step, kept) = try file.step(current: current)
                steps.append((file, step))
                for path in kept { sentences.append("\(file.path): \(path.joined(separator: ".")) was changed since and stays.") }
            } catch {
                throw CommandFailure(
                    "malformed_file", "\(file.path), \(error)", mend: "mend the file by hand, then undo again; nothing was changed")
            }
        }
        try check(read)
        for (file, step) in steps {
            switch step {
            case .nothing: break
            case .remove:
                try DiskFiles.remove(file.path)
                sentences.append("\(file.path): removed.")
            case .write(let bytes):
                let mode = file.modeBefore ?? DiskFiles.mode(file.path) ?? 0o644
                try DiskFiles.write(bytes, to: file.path, mode: mode)
                sentences.append("\(file.path): as it was before.")
            }
        }
        DiskFiles.removeFolders(record.folders)
        try DiskFiles.remove(recordPath(scope))
        DiskFiles.removeFolders([folder])
        return sentences
    }

    /// FNV-1a: a short name for a folder.
    private func fingerprint(_ text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

extension CommandFailure {
    init(_ refusal: SetupRefusal) { self.init(refusal.code, refusal.message, mend: refusal.mend) }
}
