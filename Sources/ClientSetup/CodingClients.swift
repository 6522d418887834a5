// ClientSetup: what each coding agent's configuration must hold to work through a gateway, edited in the user's own files without
// touching another byte. Pure: it reads files through a function and gives changes; `Commands` carries them out.
//
// A client is one folder and one line in this list.

/// Every client that `weir connect` knows.
package let codingClients: [any CodingClient] = [
    OpenCode(),
    ClaudeCode(),
    Codex(),
    Crush(),
    Aider(),
    MiniSWEAgent(),
    GeminiCLI(),
    Cline(),
    Continue(),
    Environment(),
]

/// An agent that can be pointed at a gateway.
package protocol CodingClient: Sendable {
    /// As on the command line: `claude-code`.
    var name: String { get }
    /// As people write it: `Claude Code`.
    var title: String { get }
    /// Texts that the gateway serves and that this client's files are made of.
    var gatewayFiles: [String] { get }
    /// Paths of the gateway without which the client cannot work through it.
    var neededPaths: [String] { get }
    /// What its files should hold.
    func setup(_ context: SetupContext) throws(SetupRefusal) -> ClientPlan
    /// What its configuration, as it stands, would send where: for `--check`.
    func call(_ place: ClientPlace) throws(SetupRefusal) -> ConfiguredCall
    /// Ways by which its traffic misses the gateway.
    func leaks(_ place: ClientPlace) throws(SetupRefusal) -> [ClientLeak]
}

extension CodingClient {
    package var gatewayFiles: [String] { [] }
    package var neededPaths: [String] { [] }
}

/// Why a client cannot be set up or read.
package struct SetupRefusal: Error, Equatable, Sendable {
    package var code: String
    package var message: String
    package var mend: String

    package init(_ code: String, _ message: String, mend: String) {
        self.code = code
        self.message = message
        self.mend = mend
    }
}

/// What connecting a client means.
package struct ClientPlan: Sendable {
    package var files: [FileEdit]
    /// What the developer does next.
    package var next: [String]
    /// What this client cannot report.
    package var gaps: [String]
    /// Lines for a shell, for clients that are configured by nothing else.
    package var shellLines: [String]

    package init(files: [FileEdit], next: [String] = [], gaps: [String] = [], shellLines: [String] = []) {
        self.files = files
        self.next = next
        self.gaps = gaps
        self.shellLines = shellLines
    }
}

/// One way past the gateway, and what closes it.
package struct ClientLeak: Sendable, Equatable {
    /// The file or the variable in which it stands.
    package var place: String
    package var text: String
    package var mend: String

    package init(_ place: String, _ text: String, mend: String) {
        self.place = place
        self.text = text
        self.mend = mend
    }
}

/// How a client's own configuration would call.
package struct ConfiguredCall: Sendable {
    /// The form of the request.
    package enum Dialect: String, Sendable { case chatCompletions, messages, responses, generateContent }
    /// Where the key comes from.
    package enum Credential: Sendable, Equatable {
        case text(String)
        /// A command whose output is the key.
        case command([String])
    }

    package var dialect: Dialect
    /// What the client was told, as it is written.
    package var base: String
    /// What the client adds to it.
    package var path: String
    package var credential: Credential
    package var headers: [(String, String)]
    package var model: String?
    /// Where each part was found, for the person who reads it.
    package var found: [String]

    package init(
        dialect: Dialect, base: String, path: String, credential: Credential, headers: [(String, String)] = [], model: String?,
        found: [String]
    ) {
        self.dialect = dialect
        self.base = base
        self.path = path
        self.credential = credential
        self.headers = headers
        self.model = model
        self.found = found
    }
}
