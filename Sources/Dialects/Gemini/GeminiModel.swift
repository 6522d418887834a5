// GeminiModel: what differs between the generations of Gemini, read from the model's id, and the ids of calls that have none.

/// The generation of a Gemini model.
struct GeminiModel {
    /// 2 of `gemini-2.5-pro`; of an id that says none, the newest that is known.
    let generation: Int
    /// The id without what stands before it in a path.
    let name: String

    init(_ id: String) {
        name = id.split(separator: "/").last.map(String.init) ?? id
        generation = name.hasPrefix("gemini-") ? Int(name.dropFirst(7).prefix { $0.isNumber }) ?? 3 : 3
    }

    /// Whether it refuses calls of the running turn without their signature.
    var wantsSignatures: Bool { generation >= 3 }
    /// Whether thinking is a level rather than a number of tokens.
    var thinksByLevel: Bool { generation >= 3 }
    /// Whether a function's response may hold images.
    var readsMediaInResponses: Bool { generation >= 3 }
    /// Whether its thinking can be switched off.
    var canStopThinking: Bool { generation < 3 && !name.hasPrefix("gemini-2.5-pro") }
    /// How many tokens its thinking may be given; nil where that is not known.
    var thinkingBudgets: ClosedRange<Int64>? {
        if name.hasPrefix("gemini-2.5-flash-lite") { return 512...24_576 }
        if name.hasPrefix("gemini-2.5-flash") { return 0...24_576 }
        return name.hasPrefix("gemini-2.5-pro") ? 128...32_768 : nil
    }
}

/// Ids of function calls that came without one: `id` is optional in Gemini's dialect and nowhere else. What Weir minted is told by its
/// prefix and taken out again on the way back.
enum GeminiCallID {
    static let mark = "gcall_"

    static func isMinted(_ id: String) -> Bool { id.hasPrefix(mark) }
}

/// The lowerCamelCase name of a member: Google's servers take both spellings.
func camelName(_ key: String) -> String {
    guard key.contains("_") else { return key }
    var name = ""
    var raises = false
    for character in key {
        if character == "_" {
            raises = true
        } else {
            name += raises ? character.uppercased() : String(character)
            raises = false
        }
    }
    return name
}
