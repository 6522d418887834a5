// JSONText: objects whose member names are data, which the data plane's writer need not know.

import WireFormat

/// Writes one JSON object.
struct JSONText {
    private var members: [String] = []

    /// The bytes of an object.
    static func object(_ fill: (inout JSONText) -> Void) -> [UInt8] { Array(text(fill).utf8) }

    static func text(_ fill: (inout JSONText) -> Void) -> String {
        var object = JSONText()
        fill(&object)
        return "{\(object.members.joined(separator: ","))}"
    }

    mutating func field(_ name: String, _ value: String) { raw(name, quoted(value)) }
    mutating func field(_ name: String, _ value: Int64) { raw(name, String(value)) }
    mutating func field(_ name: String, _ value: Bool) { raw(name, value ? "true" : "false") }
    mutating func field(_ name: String, _ values: [String]) { raw(name, "[\(values.map(quoted).joined(separator: ","))]") }
    mutating func object(_ name: String, _ fill: (inout JSONText) -> Void) { raw(name, Self.text(fill)) }

    /// A value that is JSON already.
    mutating func raw(_ name: String, _ json: String) { members.append("\(quoted(name)):\(json)") }
}

/// A JSON string.
func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.element(text)
    return String(decoding: writer.bytes, as: UTF8.self)
}
