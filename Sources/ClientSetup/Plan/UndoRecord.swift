// UndoRecord: what `weir connect` remembers of the files that it changed, so that they can be given back as they were.

/// A file as it was and as it was left.
package struct UndoFile: Codable, Equatable, Sendable {
    package var path: String
    package var format: FileFormat
    /// Base64; nil when there was no file.
    package var before: String?
    /// Base64.
    package var after: String
    package var modeBefore: UInt16?
    package var members: [MemberChange]
    package var madeParents: [[String]]
}

/// What one connection changed.
package struct UndoRecord: Codable, Equatable, Sendable {
    package var client: String
    package var gateway: String
    package var files: [UndoFile]
    /// Folders that were made, outermost first.
    package var folders: [String]

    package init(client: String, gateway: String, files: [UndoFile] = [], folders: [String] = []) {
        self.client = client
        self.gateway = gateway
        self.files = files
        self.folders = folders
    }
}

/// What undoing does to a file.
package enum UndoStep: Equatable, Sendable {
    case nothing
    case remove
    case write([UInt8])
}

extension UndoFile {
    package init(_ change: FileChange, modeBefore: UInt16?) {
        self.init(
            path: change.path, format: change.format, before: change.before.map(Base64.text), after: Base64.text(change.after),
            modeBefore: modeBefore, members: change.members, madeParents: change.madeParents)
    }

    /// What gives the file back. `kept` are members that the user has changed since and that stay.
    package func step(current: [UInt8]?) throws(MalformedFile) -> (step: UndoStep, kept: [[String]]) {
        guard let current else { return (.nothing, []) }
        let original = before.flatMap(Base64.bytes)
        if current == Base64.bytes(after) {
            guard let original else { return (.remove, []) }
            return (original == current ? .nothing : .write(original), [])
        }
        let (bytes, kept) = try takenOut(of: current)
        if original == nil, try isVoid(bytes) { return (.remove, kept) }
        return (bytes == current ? .nothing : .write(bytes), kept)
    }

    /// The file without what we put in, and with what had to give way; everything else stays.
    func takenOut(of current: [UInt8]) throws(MalformedFile) -> (bytes: [UInt8], kept: [[String]]) {
        var bytes = current
        var kept: [[String]] = []
        for member in members.reversed() {
            let document = try format.document(bytes)
            let now = document.raw(at: member.path)
            if now != member.new, try !isOurs(member, document) {
                // A plain value that the user has set since is theirs.
                if now != member.old { kept.append(member.path) }
                continue
            }
            if let old = member.old {
                bytes = try document.setting(member.path, to: .raw(old))
            } else {
                bytes = try document.removing(member.path)
            }
        }
        for parent in madeParents.reversed() {
            let document = try format.document(bytes)
            // What is left of a YAML name without members is nothing.
            guard let left = document.value(at: parent), left.isEmptyObject || (format == .yaml && left == .null) else { continue }
            bytes = try document.removing(parent)
        }
        return (bytes, kept)
    }

    /// A file of ours and an object under our name go even when something in them was changed.
    private func isOurs(_ member: MemberChange, _ document: any SettingsDocument) throws(MalformedFile) -> Bool {
        if member.path.isEmpty { return format == .block }
        guard let value = document.value(at: member.path), let new = member.new else { return false }
        if case .object = value { return true }
        // Written in another way, yet the same.
        guard format == .json else { return false }
        return try format.document(Array(new.utf8)).value(at: []) == value
    }

    private func isVoid(_ bytes: [UInt8]) throws(MalformedFile) -> Bool {
        guard format != .block else { return bytes.allSatisfy { [9, 10, 13, 32].contains($0) } }
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("#"), !text.contains("//"), !text.contains("/*") else { return false }
        return try format.document(bytes).value(at: []).map { $0.isEmptyObject } ?? true
    }
}

extension UndoRecord {
    /// The record after another run: what stood in the files at first stays what undoing gives back.
    package mutating func add(_ change: FileChange, modeBefore: UInt16?) throws(MalformedFile) {
        guard let index = files.firstIndex(where: { $0.path == change.path }) else {
            if !change.isSame { files.append(UndoFile(change, modeBefore: modeBefore)) }
            return
        }
        var file = files[index]
        if let before = change.before, before != Base64.bytes(file.after) {
            // The user has been there since: what they would have without us is what undoing gives back.
            file.before = Base64.text(try file.takenOut(of: before).bytes)
        } else if change.before == nil {
            file = UndoFile(change, modeBefore: modeBefore)
        }
        if change.before != nil {
            for member in change.members {
                if let known = file.members.firstIndex(where: { $0.path == member.path }) {
                    file.members[known].new = member.new
                } else {
                    file.members.append(member)
                }
            }
            file.madeParents += change.madeParents.filter { !file.madeParents.contains($0) }
            file.after = Base64.text(change.after)
        }
        files[index] = file
    }
}

/// Base64 as RFC 4648 section 4 has it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            word = (word << 6 | UInt32(value)) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
