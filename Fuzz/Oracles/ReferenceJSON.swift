// ReferenceJSON: RFC 8259 read by the shortest recursive code that can be held against the grammar, to compare the scanner
// with. It shares no line with it. Like the scanner it does not look into the UTF-8 of strings.

struct ReferenceJSON {
    private let bytes: [UInt8]
    private var position = 0
    private let depthMax: Int

    /// Whether the bytes are one JSON text nested no deeper than `depthMax`.
    static func isValid(_ bytes: [UInt8], depthMax: Int) -> Bool {
        var reader = ReferenceJSON(bytes: bytes, depthMax: depthMax)
        guard reader.value(depth: 0) else { return false }
        reader.space()
        return reader.position == bytes.count
    }

    private init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ wanted: Character) -> Bool {
        guard next == wanted.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func space() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func value(depth: Int) -> Bool {
        space()
        if take("{") { return depth < depthMax && list("}", depth) { $0.member(depth: depth + 1) } }
        if take("[") { return depth < depthMax && list("]", depth) { $0.value(depth: depth + 1) } }
        if next == 0x22 { return string() }
        for word in ["true", "false", "null"] where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return true
        }
        return number()
    }

    private mutating func list(_ end: Character, _ depth: Int, _ one: (inout ReferenceJSON) -> Bool) -> Bool {
        space()
        if take(end) { return true }
        while true {
            guard one(&self) else { return false }
            space()
            if take(end) { return true }
            guard take(",") else { return false }
        }
    }

    private mutating func member(depth: Int) -> Bool {
        space()
        guard string() else { return false }
        space()
        return take(":") && value(depth: depth)
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = next {
            position += 1
            if byte == 0x22 { return true }
            if byte < 0x20 { return false }
            guard byte == 0x5C else { continue }
            guard let escape = next else { return false }
            position += 1
            if escape == UInt8(ascii: "u") {
                for _ in 0..<4 {
                    guard let digit = next, Character(UnicodeScalar(digit)).isHexDigit, digit < 0x80 else {
                        return false
                    }
                    position += 1
                }
            } else if !"\"\\/bfnrt".utf8.contains(escape) {
                return false
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0") { guard digits() else { return false } }
        if take(".") { guard digits() else { return false } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }
}
