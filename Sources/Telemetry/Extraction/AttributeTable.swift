// AttributeTable: one record's attributes by name, read leniently as to type (Claude Code writes some numbers as text) and strictly
// as to content: what is kept of a client's words is short and printable, so that no prompt fits through.

import GatewayModel

/// The attributes that the extraction asks for.
struct AttributeTable {
    private var values: [String: TelemetryValue] = [:]
    /// Whether an id was given that cannot be one.
    private(set) var hasBadID = false

    /// Bytes of an id and of a name.
    private static let idBytesMax = 200
    private static let nameBytesMax = 100
    /// No client counts more of anything.
    private static let countMax: Int64 = 1_000_000_000_000

    init(_ attributes: [TelemetryAttribute]) {
        for one in attributes { values[one.key] = one.value }
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// Text as it is; for comparing, never for keeping.
    func text(_ key: String) -> String? {
        if case .string(let text) = values[key] { text } else { nil }
    }

    /// The first of these that is an id: printable ASCII without a space.
    mutating func id(_ keys: String...) -> String? {
        for key in keys {
            guard let text = text(key), !text.isEmpty else { continue }
            if text.utf8.count <= Self.idBytesMax, text.utf8.allSatisfy({ (33...126).contains($0) }) { return text }
            hasBadID = true
        }
        return nil
    }

    /// The first of these that is a name: short, with no control character.
    func name(_ keys: String...) -> String? {
        for key in keys {
            guard let text = text(key), !text.isEmpty, text.utf8.count <= Self.nameBytesMax,
                text.utf8.allSatisfy({ $0 >= 32 && $0 != 127 })
            else { continue }
            return text
        }
        return nil
    }

    /// The first of these that is a count.
    func count(_ keys: String...) -> Int64? {
        for key in keys {
            guard let number = number(key), number >= 0, number <= Double(Self.countMax) else { continue }
            if case .int(let value) = values[key] { return value }
            return Int64(number)
        }
        return nil
    }

    func flag(_ key: String) -> Bool? {
        switch values[key] {
        case .bool(let value): value
        case .string("true"): true
        case .string("false"): false
        default: nil
        }
    }

    /// Dollars as nano-USD, to the nearest.
    func dollars(_ key: String) -> NanoUSD? {
        guard let number = number(key), number >= 0, number < 1_000_000_000 else { return nil }
        return NanoUSD(Int64((number * 1_000_000_000).rounded()))
    }

    private func number(_ key: String) -> Double? {
        switch values[key] {
        case .int(let value): Double(value)
        case .double(let value): value.isFinite ? value : nil
        case .string(let text) where text.utf8.count <= 40: Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }
}
