// JSONObjectView: the members of one object or the elements of one array, looked up by name or in order, without a tree. For
// translating bodies, where every member matters; the relay's own readers visit members as they pass.

/// The members of one object. Valid while the scanned bytes are.
package struct JSONObjectView {
    package let members: [JSONMember]

    /// Nil when the bytes are no object.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var found: [JSONMember] = []
        do throws(JSONError) {
            try forEachJSONMember(bytes, failure: { $0 }) { (member: JSONMember) throws(JSONError) in found.append(member) }
        } catch {
            return nil
        }
        members = found
    }

    /// The member of this name, the last one where there are several, as most parsers read; nil too when its value is null.
    package subscript(_ name: StaticString) -> JSONMember? {
        guard let member = members.last(where: { $0.isNamed(name) }), member.kind != .null else { return nil }
        return member
    }
}

extension JSONMember {
    /// The value's members, when it is an object.
    package var object: JSONObjectView? { kind == .object ? JSONObjectView(value) : nil }

    /// The value's elements, when it is an array.
    package var elements: [JSONElement]? {
        guard kind == .array else { return nil }
        var found: [JSONElement] = []
        visitJSONElements(value) { kind, bytes in
            found.append(JSONElement(kind: kind, value: bytes))
            return true
        }
        return found
    }

    /// The value's JSON as it stands in the text.
    package var json: [UInt8] { Array(value) }

    /// The number as it is written, so that none is rounded.
    package var numberText: String? { kind == .number ? String(decoding: value, as: UTF8.self) : nil }
}

/// One element of an array.
package struct JSONElement {
    package let kind: JSONKind
    /// The value as it stands in the text.
    package let value: UnsafeRawBufferPointer

    package init(kind: JSONKind, value: UnsafeRawBufferPointer) {
        self.kind = kind
        self.value = value
    }

    package var object: JSONObjectView? { kind == .object ? JSONObjectView(value) : nil }

    package var string: String? {
        kind == .string ? decodeJSONString(UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])) : nil
    }
}
