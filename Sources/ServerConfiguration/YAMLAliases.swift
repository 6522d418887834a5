// YAMLAliases: finds an alias in YAML before it is parsed, since aliases of aliases make a small text huge.

/// Where the first alias (`*name`) stands; nil when there is none. Quoted text and comments hold none.
func placeOfYAMLAlias(_ text: String) -> (line: Int, column: Int)? {
    enum Place { case plain, single, double, comment }
    var place = Place.plain
    var line = 1
    var column = 0
    var before: UInt8 = 10
    var isEscaped = false
    var closed = -2
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
        column += 1
        switch place {
        case .plain:
            let isTokenStart = " \n\t[{,".utf8.contains(before)
            if byte == 35, " \n\t".utf8.contains(before) {
                place = .comment
            } else if byte == 39, isTokenStart || closed == index - 1 {
                // `''` is a quote inside single quotes.
                place = .single
            } else if byte == 34, isTokenStart {
                place = .double
            } else if byte == 42, isTokenStart, index + 1 < bytes.count, !" \n\t\r".utf8.contains(bytes[index + 1]) {
                return (line, column)
            }
        case .single:
            if byte == 39 {
                place = .plain
                closed = index
            }
        case .double:
            if isEscaped {
                isEscaped = false
            } else if byte == 92 {
                isEscaped = true
            } else if byte == 34 {
                place = .plain
            }
        case .comment: break
        }
        if byte == 10 {
            line += 1
            column = 0
            if place == .comment { place = .plain }
        }
        before = byte
    }
    return nil
}
