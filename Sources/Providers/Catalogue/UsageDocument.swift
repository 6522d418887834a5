// UsageDocument: a usage as a person or a test writes it for `weir price explain --usage`: our token classes in snake_case, read
// strictly, since a misspelt class would make a turn cheaper.

package import GatewayModel
import WireFormat

/// Why a usage document was refused. The text names the member.
package enum UsageDocumentError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed(String)
    case unknownMember(String, known: [String])
    case repeatedMember(String)
    case notACount(String)
    case notText(String)
    case partOverWhole(part: String, whole: String)

    package var description: String {
        switch self {
        case .malformed(let reason): "the usage is no JSON object: \(reason)"
        case .unknownMember(let name, let known):
            "the usage has an unknown member \"\(name)\"; it may have: \(known.joined(separator: ", "))"
        case .repeatedMember(let name): "the usage has the member \"\(name)\" twice"
        case .notACount(let name): "the usage's \"\(name)\" must be a whole number of 0 or more"
        case .notText(let name): "the usage's \"\(name)\" must be a string or null"
        case .partOverWhole(let part, let whole):
            "the usage's \"\(part)\" is a part of \"\(whole)\" and cannot be more than it"
        }
    }
}

/// A usage and what else chooses its price.
package struct UsageDocument: Sendable, Hashable {
    package var usage = TokenUsage()
    package var qualifiers = UsageQualifiers()

    package init() {}

    /// Reads a document. Every member is optional; no other may stand in it.
    package init(json: [UInt8]) throws(UsageDocumentError) {
        let members = try Self.members(json)
        var seen: Set<String> = []
        for member in members {
            guard seen.insert(member.name).inserted else { throw .repeatedMember(member.name) }
            if let field = Self.counts[member.name] {
                guard let count = member.count, count >= 0 else { throw .notACount(member.name) }
                usage[keyPath: field] = count
            } else if let field = Self.texts[member.name] {
                guard member.isNull || member.text != nil else { throw .notText(member.name) }
                qualifiers[keyPath: field] = member.text
            } else {
                throw .unknownMember(member.name, known: Self.counts.keys.sorted() + Self.texts.keys.sorted())
            }
        }
        let parts: [(UsageClass, Int64, UsageClass, Int64)] = [
            (.reasoning, usage.reasoning, .output, usage.output), (.audioOutput, usage.audioOutput, .output, usage.output),
            (.imageOutput, usage.imageOutput, .output, usage.output), (.audioInput, usage.audioInput, .input, usage.input),
            (.imageInput, usage.imageInput, .input, usage.input),
        ]
        for (part, count, whole, all) in parts where count > all {
            throw .partOverWhole(part: part.rawValue, whole: whole.rawValue)
        }
    }

    private struct Member {
        var name: String
        var count: Int64?
        var text: String?
        var isNull: Bool
    }

    private static func members(_ json: [UInt8]) throws(UsageDocumentError) -> [Member] {
        var members: [Member] = []
        let failure: UsageDocumentError? = json.withUnsafeBytes { bytes in
            do throws(UsageDocumentError) {
                try forEachJSONMember(bytes, depthMax: 4, failure: { UsageDocumentError.malformed("\($0)") }) {
                    (member: JSONMember) throws(UsageDocumentError) in
                    members.append(
                        Member(name: member.key, count: member.integer, text: member.string, isNull: member.kind == .null))
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        return members
    }

    private static var counts: [String: WritableKeyPath<TokenUsage, Int64>] {
        [
            "input": \.input, "cache_read": \.cacheRead, "cache_write_5m": \.cacheWrite5m, "cache_write_30m": \.cacheWrite30m,
            "cache_write_1h": \.cacheWrite1h, "cache_write_12h": \.cacheWrite12h,
            "cache_write_unknown": \.cacheWriteUnknown, "tool_prompt": \.toolPrompt, "output": \.output,
            "reasoning": \.reasoning, "audio_input": \.audioInput, "image_input": \.imageInput,
            "audio_output": \.audioOutput, "image_output": \.imageOutput, "web_searches": \.webSearches,
            "web_fetches": \.webFetches,
        ]
    }

    private static var texts: [String: WritableKeyPath<UsageQualifiers, String?>] {
        ["service_tier": \.serviceTier, "speed": \.speed, "inference_geo": \.inferenceGeo]
    }
}
