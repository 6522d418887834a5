// SettingValue: what stands in a configuration file, whatever its format. Objects keep the order in which they were written.

/// A value in a configuration file.
package indirect enum SettingValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number or a date that is not a whole number, as it is written.
    case number(String)
    case string(String)
    case array([SettingValue])
    case object([SettingMember])
    /// Text of the file's own format, put in as it is.
    case raw(String)
}

/// A member of an object.
package struct SettingMember: Sendable, Equatable {
    package var name: String
    package var value: SettingValue

    package init(_ name: String, _ value: SettingValue) {
        self.name = name
        self.value = value
    }
}

extension SettingValue: Equatable {
    /// Objects are equal in any order; of members with one name the last counts, as it does for those who read the file.
    package static func == (left: SettingValue, right: SettingValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.raw(let a), .raw(let b)): a == b
        case (.object(let a), .object(let b)):
            Dictionary(a.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
                == Dictionary(b.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        default: false
        }
    }
}

extension SettingValue {
    /// The value of a member; nil when there is none or this is no object.
    package subscript(_ name: String) -> SettingValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The value at the end of a path.
    package func at(_ path: some Sequence<String>) -> SettingValue? {
        var value: SettingValue? = self
        for name in path { value = value?[name] }
        return value
    }

    /// With another laid over it: objects member by member, everything else whole.
    func merging(_ other: SettingValue) -> SettingValue {
        guard case .object(var members) = self, case .object(let others) = other else { return other }
        for member in others {
            if let index = members.lastIndex(where: { $0.name == member.name }) {
                members[index].value = members[index].value.merging(member.value)
            } else {
                members.append(member)
            }
        }
        return .object(members)
    }

    /// The text, if this is text.
    package var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The members, if this is an object.
    package var members: [SettingMember] {
        if case .object(let members) = self { members } else { [] }
    }

    /// The elements, if this is a list.
    package var elements: [SettingValue] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var isEmptyObject: Bool {
        if case .object(let members) = self { members.isEmpty } else { false }
    }

    var isContainer: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }
}

extension SettingValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByIntegerLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(arrayLiteral elements: SettingValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, SettingValue)...) {
        self = .object(elements.map { SettingMember($0.0, $0.1) })
    }
}
