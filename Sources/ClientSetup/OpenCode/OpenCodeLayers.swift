// OpenCodeLayers: where OpenCode reads its configuration, from the weakest file to the strongest.

/// OpenCode's files on this machine.
struct OpenCodeLayers {
    let place: ClientPlace

    private var userFolder: String { "\(place.configFolder)/opencode" }
    var pluginFile: String { "\(userFolder)/plugins/weir.js" }

    /// The strongest of the user's files that exists.
    var userFile: String {
        let jsonc = "\(userFolder)/opencode.jsonc"
        return place.bytes(jsonc) != nil ? jsonc : "\(userFolder)/opencode.json"
    }

    var managedFolder: String {
        switch place.system {
        case .linux: "\(place.systemRoot)/etc/opencode"
        case .macOS: "\(place.systemRoot)/Library/Application Support/opencode"
        }
    }

    var managedFile: String { "\(managedFolder)/opencode.json" }

    var authFile: String { "\(place.dataFolder)/opencode/auth.json" }

    /// All that stand there, the weakest first.
    func all() throws(SetupRefusal) -> [(path: String, settings: SettingValue)] {
        var paths = ["config.json", "opencode.json", "opencode.jsonc"].map { "\(userFolder)/\($0)" }
        if let path = place.variable("OPENCODE_CONFIG") { paths.append(path) }
        for folder in place.foldersUp.reversed() { paths += ["\(folder)/opencode.json", "\(folder)/opencode.jsonc"] }
        for folder in place.foldersUp.reversed() { paths += ["\(folder)/.opencode/opencode.json", "\(folder)/.opencode/opencode.jsonc"] }
        var layers: [(path: String, settings: SettingValue)] = []
        for path in paths {
            if let settings = try place.settings(path, .json) { layers.append((path, settings)) }
        }
        if let text = place.variable("OPENCODE_CONFIG_CONTENT") {
            do throws(MalformedFile) {
                layers.append(("OPENCODE_CONFIG_CONTENT", try FileFormat.json.parse(Array(text.utf8))))
            } catch {
                throw SetupRefusal("malformed_file", "OPENCODE_CONFIG_CONTENT, \(error)", mend: "unset it")
            }
        }
        for name in ["opencode.json", "opencode.jsonc"] {
            if let settings = try place.settings("\(managedFolder)/\(name)", .json) {
                layers.append(("\(managedFolder)/\(name)", settings))
            }
        }
        return layers
    }

    /// `{env:NAME}` and `{file:path}` as OpenCode puts them in.
    func resolved(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            let tail = rest[open...]
            guard let close = tail.firstIndex(of: "}") else { break }
            let inner = String(tail[tail.index(after: open)..<close])
            if inner.hasPrefix("env:") {
                result += place.variable(String(inner.dropFirst(4))) ?? ""
            } else if inner.hasPrefix("file:") {
                var path = String(inner.dropFirst(5))
                if path.hasPrefix("~/") { path = place.home + path.dropFirst() }
                result += place.text(path)?.trimmed ?? ""
            } else {
                result += "{\(inner)}"
            }
            rest = tail[tail.index(after: close)...]
        }
        return result + rest
    }
}
