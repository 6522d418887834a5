// ClientPlace: where a client's files are and what stands in them: home, environment, repository.

/// The system that files are found by.
package enum SystemKind: String, Sendable { case linux, macOS }

/// The repository in which a command was called.
package struct WorkingRepository: Sendable, Equatable {
    /// Its top folder.
    package var root: String
    /// `github.com/acme/shop`; nil without a remote.
    package var label: String?
    package var branch: String?

    package init(root: String, label: String?, branch: String?) {
        self.root = root
        self.label = label
        self.branch = branch
    }
}

/// Everything that decides where a client reads its configuration.
package struct ClientPlace: Sendable {
    package var home: String
    package var environment: [String: String]
    package var system: SystemKind
    package var workingFolder: String
    package var repository: WorkingRepository?
    /// In front of paths of the whole machine, for tests and for building images.
    package var systemRoot: String
    /// The gateway that counts as ours: `https://gw.example`.
    package var gateway: String?
    private let read: @Sendable (String) throws(SetupRefusal) -> [UInt8]?
    private let list: @Sendable (String) -> [String]

    package init(
        home: String, environment: [String: String], system: SystemKind, workingFolder: String, repository: WorkingRepository?,
        systemRoot: String = "", gateway: String? = nil, list: @escaping @Sendable (String) -> [String] = { _ in [] },
        read: @escaping @Sendable (String) throws(SetupRefusal) -> [UInt8]?
    ) {
        self.home = home
        self.environment = environment
        self.system = system
        self.workingFolder = workingFolder
        self.repository = repository
        self.systemRoot = systemRoot
        self.gateway = gateway
        self.read = read
        self.list = list
    }

    /// `$XDG_CONFIG_HOME`, as a rule `~/.config`.
    package var configFolder: String { environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config" }
    /// `$XDG_DATA_HOME`, as a rule `~/.local/share`.
    package var dataFolder: String { environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.local/share" }
    /// Where Weir keeps a developer's key.
    package var weirFolder: String { "\(configFolder)/weir" }
    package var keyFile: String { "\(weirFolder)/key" }
    /// The command that prints the key with its labels.
    package var credentialCommand: String { "\(weirFolder)/credential" }

    /// A file's bytes; nil when there is none. A file that is there and cannot be read is no missing one.
    package func contents(_ path: String) throws(SetupRefusal) -> [UInt8]? { try read(path) }

    /// A file's bytes; nil when it cannot be read.
    func bytes(_ path: String) -> [UInt8]? { (try? read(path)) ?? nil }

    /// The names in a folder.
    func names(in folder: String) -> [String] { list(folder).sorted() }

    /// A file's text; nil when there is none.
    package func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    /// What stands in a file; nil when there is none.
    package func settings(_ path: String, _ format: FileFormat) throws(SetupRefusal) -> SettingValue? {
        guard let bytes = try read(path) else { return nil }
        do throws(MalformedFile) { return try format.parse(bytes) } catch {
            throw SetupRefusal("malformed_file", "\(path), \(error)", mend: "mend the file by hand; nothing was written")
        }
    }

    /// A variable of the environment that is set to something.
    package func variable(_ name: String) -> String? {
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    /// Whether an address is the gateway's.
    package func isGateway(_ address: String) -> Bool {
        guard let gateway else { return false }
        let text = address.lowercased()
        let own = gateway.lowercased()
        return text == own || text.hasPrefix("\(own)/")
    }

    /// The folders from the working folder up to the repository's top, or only the working folder.
    package var foldersUp: [String] {
        var folders = [workingFolder]
        guard let root = repository?.root, workingFolder.hasPrefix("\(root)/") else { return folders }
        var folder = workingFolder
        while folder != root, let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            folders.append(folder)
        }
        return folders
    }
}

/// Which of a client's files to write.
package enum SetupScope: String, Sendable, CaseIterable { case user, project, managed }

/// What a setup is made from.
package struct SetupContext: Sendable {
    package var place: ClientPlace
    /// `https://gw.example`, without a slash at its end.
    package var gateway: String
    /// The virtual key, for clients that can only hold it in a file of theirs.
    package var key: String?
    package var models: [OfferedModel]
    /// What `--model` says.
    package var model: String?
    package var scope: SetupScope
    package var sendsTelemetry: Bool
    /// What the gateway serves, by path.
    package var gatewayFiles: [String: String]
    /// Paths that the gateway does not know.
    package var missingPaths: Set<String> = []

    package init(
        place: ClientPlace, gateway: String, key: String?, models: [OfferedModel], model: String? = nil, scope: SetupScope = .user,
        sendsTelemetry: Bool = false, gatewayFiles: [String: String] = [:]
    ) {
        self.place = place
        self.gateway = gateway
        self.key = key
        self.models = models
        self.model = model
        self.scope = scope
        self.sendsTelemetry = sendsTelemetry
        self.gatewayFiles = gatewayFiles
    }

    /// Where the OpenAI dialects begin.
    package var v1: String { "\(gateway)/v1" }

    /// The key for a file that can hold nothing else.
    func literalKey() throws(SetupRefusal) -> String {
        guard let key else {
            throw SetupRefusal(
                "no_key", "this client's file holds the key itself", mend: "give it: --key KEY, or log in: weir login \(gateway)")
        }
        return key
    }

    /// A scope that a client has no file for.
    func refuse(_ client: String, instead: String) -> SetupRefusal {
        SetupRefusal("no_such_scope", "\(client) has no \(scope.rawValue) configuration for this", mend: instead)
    }

    /// The repository's top folder, for project files.
    func repositoryRoot(for client: String) throws(SetupRefusal) -> String {
        guard let repository = place.repository else {
            throw SetupRefusal(
                "no_repository", "\(place.workingFolder) is not in a git repository",
                mend: "go into one, or leave --scope project out: weir connect \(client)")
        }
        return repository.root
    }
}

extension String {
    /// As one word of a POSIX shell.
    package var shellWord: String {
        let isPlain =
            !isEmpty
            && utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "_-./:@%+=,~".utf8.contains($0)
            }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}
