// FileEdit: what a client's configuration should hold, and the change that this means for a file as it is.

/// One member to set or to take out.
package enum SettingsEdit: Sendable {
    case set([String], SettingValue)
    case remove([String])
    /// Set only where the user has nothing.
    case setIfAbsent([String], SettingValue)
}

/// What one file should hold.
package struct FileEdit: Sendable {
    package var path: String
    package var format: FileFormat
    package var edits: [SettingsEdit]
    /// A secret stands in it, so that only its owner may read it.
    package var isSecret: Bool
    package var isExecutable: Bool

    package init(_ path: String, _ format: FileFormat, isSecret: Bool = false, isExecutable: Bool = false, _ edits: [SettingsEdit]) {
        self.path = path
        self.format = format
        self.edits = edits
        self.isSecret = isSecret
        self.isExecutable = isExecutable
    }

    /// A file that is Weir's own.
    package static func whole(_ path: String, _ text: String, isSecret: Bool = false, isExecutable: Bool = false) -> FileEdit {
        FileEdit(path, .whole, isSecret: isSecret, isExecutable: isExecutable, [.set([], .string(text))])
    }

    /// The mode of the file when it is new.
    package var mode: UInt16 { isSecret ? (isExecutable ? 0o700 : 0o600) : (isExecutable ? 0o755 : 0o644) }
}

/// What happened to one member. Nil: it is not there.
package struct MemberChange: Codable, Equatable, Sendable {
    package var path: [String]
    package var old: String?
    package var new: String?
}

/// A file before and after.
package struct FileChange: Sendable {
    package var path: String
    package var format: FileFormat
    package var before: [UInt8]?
    package var after: [UInt8]
    /// Mode of a new file; an existing one keeps its own, less what others may do when a secret comes into it.
    package var mode: UInt16
    package var isSecret: Bool
    package var members: [MemberChange]
    /// Objects and tables that were made on the way, outermost first.
    package var madeParents: [[String]]

    /// Nothing changes.
    package var isSame: Bool { before == after }

    /// Values of the user that give way.
    package var replaced: [MemberChange] { members.filter { $0.old != nil && !$0.path.isEmpty } }
}

extension FileEdit {
    /// An element of a YAML list holds the member by which it is found.
    private var completed: [SettingsEdit] {
        guard format == .yaml else { return edits }
        return edits.map { edit in
            switch edit {
            case .set(let path, let value): .set(path, YAMLDocument.completed(path, value))
            case .setIfAbsent(let path, let value): .setIfAbsent(path, YAMLDocument.completed(path, value))
            case .remove: edit
            }
        }
    }

    /// The change that this means for a file that holds `before`.
    package func change(from before: [UInt8]?) throws(MalformedFile) -> FileChange {
        let edits = completed
        var bytes = before ?? []
        var members: [MemberChange] = []
        var made: [[String]] = []
        for edit in edits {
            let document = try format.document(bytes)
            switch edit {
            case .setIfAbsent(let path, _) where document.value(at: path) != nil: continue
            case .set(let path, let value), .setIfAbsent(let path, let value):
                if document.value(at: path) == value { continue }
                if path.count > 1 {
                    for length in 1..<path.count {
                        let parent = Array(path.prefix(length))
                        if document.value(at: parent) == nil, !made.contains(parent) { made.append(parent) }
                    }
                }
                let old = document.raw(at: path)
                bytes = try document.setting(path, to: value)
                members.append(MemberChange(path: path, old: old, new: try format.document(bytes).raw(at: path)))
            case .remove(let path):
                guard let old = document.raw(at: path) else { continue }
                bytes = try document.removing(path)
                members.append(MemberChange(path: path, old: old, new: nil))
            }
        }
        // What was written must be readable, and say what was meant.
        let after = try format.document(bytes)
        for case .set(let path, let value) in edits where after.value(at: path) != value {
            throw MalformedFile(line: 1, message: "\(path.joined(separator: ".")) cannot be set in the way this file is written")
        }
        return FileChange(
            path: path, format: format, before: before, after: bytes, mode: mode, isSecret: isSecret, members: members, madeParents: made)
    }
}
