// YAMLDocument: a placeholder until the editor stands.
struct YAMLDocument: SettingsDocument {
    init(_ bytes: [UInt8]) throws(MalformedFile) { throw MalformedFile(line: 1, message: "YAML") }
    func value(at path: [String]) -> SettingValue? { nil }
    func raw(at path: [String]) -> String? { nil }
    func setting(_ path: [String], to value: SettingValue) throws(MalformedFile) -> [UInt8] { [] }
    func removing(_ path: [String]) throws(MalformedFile) -> [UInt8] { [] }
}
