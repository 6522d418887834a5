// ConfigurationReader: weir.yaml into settings. Every fault is told with its place and its mend, and nothing is taken over while
// there is one.

import Foundation
import GatewayModel
import Policy
import Providers
import Yams

/// Reads a configuration: environment over file over defaults. Flags are laid over the result by the command line.
package struct ConfigurationReader {
    /// A file larger than this is refused before it is parsed.
    private static let fileBytesMax = 1 << 20

    private let file: String
    let environment: [String: String]
    var settings = GatewaySettings()
    /// Where the deployments of each route stand, for faults that show when all is read.
    var routeNodes: [String: Node] = [:]
    private(set) var faults: [ConfigurationFault] = []

    private init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    /// - Parameters:
    ///   - path: `weir.yaml`, or nil to go by the environment alone.
    ///   - environment: the process's variables; `WEIR_*` are settings, others fill `${NAME}`.
    package static func read(path: String?, environment: [String: String]) throws(ConfigurationFaults)
        -> GatewaySettings
    {
        var text = ""
        if let path {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ConfigurationFaults(faults: [
                    ConfigurationFault(
                        file: path, line: 0, column: 0, message: "cannot be read",
                        mend: "check the path given by --config")
                ])
            }
            guard data.count <= fileBytesMax else {
                throw ConfigurationFaults(faults: [
                    ConfigurationFault(
                        file: path, line: 0, column: 0, message: "is larger than 1 MiB",
                        mend: "split what is not configuration out of it")
                ])
            }
            text = String(decoding: data, as: UTF8.self)
        }
        return try read(text: text, file: path ?? "environment", environment: environment)
    }

    /// Reads a configuration's text; `file` names it in faults.
    package static func read(
        text: String, file: String, environment: [String: String]
    ) throws(ConfigurationFaults) -> GatewaySettings {
        var reader = ConfigurationReader(file: file, environment: environment)
        reader.readText(text)
        reader.readEnvironment()
        reader.finish()
        guard reader.faults.isEmpty else { throw ConfigurationFaults(faults: reader.faults) }
        return reader.settings
    }

    private mutating func readText(_ text: String) {
        // An alias can make a small file huge; a configuration needs none.
        if let place = placeOfYAMLAlias(text) {
            faults.append(
                ConfigurationFault(
                    file: file, line: place.line, column: place.column, message: "holds a YAML alias",
                    mend: "write the value out"))
            return
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            faults.append(fault(of: error))
            return
        }
        // A document with nothing in it is a configuration that sets nothing.
        guard let root, root.scalar?.string.isEmpty != true else { return }
        guard let mapping = root.mapping else {
            fault(root, "must be a mapping of settings", "see docs/configuration.md")
            return
        }
        for (key, value) in mapping { readTop(key, value) }
    }

    private func fault(of error: any Error) -> ConfigurationFault {
        func fault(_ mark: Mark?, _ message: String, _ mend: String) -> ConfigurationFault {
            ConfigurationFault(
                file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, message: message, mend: mend)
        }
        let mend = "check indentation and quotes near this place"
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return fault(mark, "is not valid YAML: \(problem)", mend)
        case .duplicatedKeysInMapping(let names, let context):
            return fault(
                context.mark, "holds \(names.map { "\"\($0)\"" }.joined(separator: ", ")) twice", "keep one of them")
        case .reader(let problem, _, _, _):
            return fault(nil, "is not valid YAML: \(problem)", "save the file as UTF-8 text without control characters")
        default: return fault(nil, "is not valid YAML", mend)
        }
    }

    private mutating func readTop(_ key: Node, _ value: Node) {
        guard let name = key.string else {
            fault(key, "a setting's name must be text", "see docs/configuration.md")
            return
        }
        switch name {
        case "providers": readProviders(value)
        case "prices": readPrices(value)
        case "routes": readRoutes(value)
        case "budgets": readLimits(value, areBudgets: true)
        case "alerts": readAlerts(value)
        case "usage_limits": readLimits(value, areBudgets: false)
        default:
            if let setting = Schema.all.first(where: { $0.path == name }) {
                read(setting, value)
            } else if Schema.all.contains(where: { $0.path.hasPrefix(name + ".") }) {
                guard let group = value.mapping else {
                    fault(value, "\(name) must be a mapping of settings", "see docs/configuration.md")
                    return
                }
                for (inner, value) in group {
                    let path = "\(name).\(inner.string ?? "")"
                    if let setting = Schema.all.first(where: { $0.path == path }) {
                        read(setting, value)
                    } else {
                        unknown(inner, path, Schema.all.map(\.path))
                    }
                }
            } else {
                let tops = Set(Schema.all.compactMap { $0.path.split(separator: ".").first.map(String.init) })
                unknown(key, name, tops.union(["providers", "prices", "routes", "budgets", "usage_limits", "alerts"]).sorted())
            }
        }
    }

    private mutating func read(_ setting: Setting, _ node: Node) {
        if case .words(let path, let allowed) = setting.kind {
            guard let list = node.sequence else {
                fault(node, "\(setting.path) must be a list", "for example: \(setting.path): [\(allowed[0])]")
                return
            }
            var words: [String] = []
            for item in list {
                guard let word = item.string, allowed.contains(word) else {
                    fault(
                        item, "\(setting.path) does not know \"\(item.string ?? "")\"",
                        "one of: \(allowed.joined(separator: ", "))")
                    continue
                }
                words.append(word)
            }
            settings[keyPath: path] = words
            return
        }
        guard let text = node.scalar?.string else {
            fault(node, "\(setting.path) must be a single value", "type: \(setting.typeText)")
            return
        }
        if let problem = set(setting, text) { fault(node, problem, "type: \(setting.typeText)") }
    }

    /// Sets a scalar; gives what is wrong with it, or nil.
    private mutating func set(_ setting: Setting, _ text: String) -> String? {
        switch setting.kind {
        case .text(let path): settings[keyPath: path] = text
        case .optionalText(let path): settings[keyPath: path] = text
        case .action(let path):
            guard let action = RunawayAction(rawValue: text) else { return "\(setting.path) cannot be \"\(text)\"" }
            settings[keyPath: path] = action
        case .choice(let path, let choices):
            guard choices.contains(text) else { return "\(setting.path) cannot be \"\(text)\"" }
            settings[keyPath: path] = text
        case .number(let path, let range):
            guard let number = Int(text.filter { $0 != "_" }), range.contains(number) else {
                return "\(setting.path) cannot be \"\(text)\""
            }
            settings[keyPath: path] = number
        case .words(let path, let allowed):
            let words = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            if let odd = words.first(where: { !allowed.contains($0) }) {
                return "\(setting.path) does not know \"\(odd)\""
            }
            settings[keyPath: path] = words
        }
        return nil
    }

    private mutating func readEnvironment() {
        for setting in Schema.all {
            guard let text = environment[setting.environment] else { continue }
            if let problem = set(setting, text) {
                faults.append(
                    ConfigurationFault(
                        file: "environment", line: 0, column: 0, message: "\(setting.environment): \(problem)",
                        mend: "type: \(setting.typeText)"))
            }
        }
        guard settings.providers.isEmpty, faults.isEmpty else { return }
        do throws(ProviderError) {
            settings.providers = try providersFromEnvironment(environment)
        } catch {
            faults.append(
                ConfigurationFault(
                    file: "environment", line: 0, column: 0, message: "\(error.setting): \(error.message)",
                    mend: "correct or unset the variable"))
        }
    }

    private mutating func finish() {
        checkRoutes()
        if settings.listenAddress == nil {
            fault(nil, "listen must be host:port, not \"\(settings.listen)\"", "for example: listen: 127.0.0.1:8787")
        }
        if let url = settings.publicURL, !isPublicURL(url) {
            fault(
                nil, "public_url must be scheme, host and port alone, not \"\(url)\"", "for example: public_url: https://weir.acme.example")
        }
        if (settings.tlsCertificate == nil) != (settings.tlsPrivateKey == nil) {
            fault(nil, "tls.certificate and tls.private_key go together", "set both or neither")
        }
    }

    /// It stands in a command that developers' machines run, so it holds nothing but a host's characters.
    private func isPublicURL(_ url: String) -> Bool {
        guard let (_, path) = try? parseBaseURL(url) else { return false }
        return path.isEmpty && !url.hasSuffix("/") && (url.hasPrefix("https://") || url.hasPrefix("http://"))
    }

    // MARK: Faults

    mutating func fault(_ node: Node?, _ message: String, _ mend: String) {
        faults.append(
            ConfigurationFault(
                file: file, line: node?.mark?.line ?? 0, column: node?.mark?.column ?? 0, message: message, mend: mend))
    }

    mutating func unknown(_ node: Node, _ name: String, _ known: [String]) {
        let near = known.map { ($0, editDistance(name, $0)) }.min { $0.1 < $1.1 }
        let hint = near.flatMap { $0.1 <= 3 ? "did you mean \"\($0.0)\"?" : nil }
        fault(node, "there is no setting \"\(name)\"", hint ?? "settings are listed in docs/configuration.md")
    }
}
