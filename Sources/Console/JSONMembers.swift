// JSONMembers: the members of a JSON object whose values only pass through, so that some can be changed and the rest kept.

import Foundation

/// A JSON value that nobody looks into.
indirect enum JSONPassed: Codable {
    case null
    case truth(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([JSONPassed])
    case members([String: JSONPassed])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let found = try? value.decode(Bool.self) {
            self = .truth(found)
        } else if let found = try? value.decode(Int64.self) {
            self = .integer(found)
        } else if let found = try? value.decode(Double.self) {
            self = .number(found)
        } else if let found = try? value.decode(String.self) {
            self = .text(found)
        } else if let found = try? value.decode([JSONPassed].self) {
            self = .list(found)
        } else {
            self = .members(try value.decode([String: JSONPassed].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .truth(let found): try value.encode(found)
        case .integer(let found): try value.encode(found)
        case .number(let found): try value.encode(found)
        case .text(let found): try value.encode(found)
        case .list(let found): try value.encode(found)
        case .members(let found): try value.encode(found)
        }
    }
}
