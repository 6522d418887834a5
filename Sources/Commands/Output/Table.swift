// Table: rows for people, programs and spreadsheets from one description. A narrow terminal loses the least important columns
// first, and at last gets each row stacked; ids are never cut.

import Foundation

/// How a table is written.
package enum OutputFormat: String, Sendable, CaseIterable {
    case table, csv, json
}

/// A column: its title, where it stands, and how dear it is.
package struct Column: Sendable {
    /// The name in CSV, snake_case.
    var name: String
    var title: String
    var isRight: Bool
    /// 0 stays always; the highest number goes first when the terminal is narrow.
    var priority: Int

    package init(_ name: String, _ title: String? = nil, right: Bool = false, priority: Int = 0) {
        self.name = name
        self.title = title ?? name.uppercased()
        isRight = right
        self.priority = priority
    }
}

/// One cell: what people read and what programs read.
package struct Cell: Sendable, Hashable {
    package var shown: String
    /// Exact: whole nano-USD, plain counts, full ids.
    package var exact: String

    package init(_ text: String, exact: String? = nil) {
        shown = inert(text)
        self.exact = exact ?? text
    }

    package static func count(_ value: Int64) -> Cell { Cell(grouped(value), exact: String(value)) }
    package static func money(_ nanoUSD: Int64) -> Cell { Cell(shownMoney(nanoUSD), exact: String(nanoUSD)) }
    package static func perMille(_ value: Int64?) -> Cell {
        value.map { Cell("\($0 / 10).\($0 % 10) %", exact: String($0)) } ?? Cell("-", exact: "")
    }
}

/// Rows under columns.
package struct Table: Sendable {
    var columns: [Column]
    package var rows: [[Cell]] = []
    /// A last row that is set apart.
    package var total: [Cell]?

    package init(_ columns: [Column]) { self.columns = columns }

    /// For a terminal of so many columns; nil cuts nothing.
    package func text(width: Int?) -> String {
        var kept = Array(columns.indices)
        let all = rows + (total.map { [$0] } ?? [])
        func widths(_ kept: [Int]) -> [Int] {
            kept.map { column in
                max(columns[column].title.count, all.map { $0[column].shown.count }.max() ?? 0)
            }
        }
        func size(_ kept: [Int]) -> Int { widths(kept).reduce(0, +) + 2 * max(0, kept.count - 1) }
        if let width {
            while size(kept) > width, let worst = kept.map({ columns[$0].priority }).max(), worst > 0 {
                kept.removeAll { columns[$0].priority == worst }
            }
            if size(kept) > width { return stacked(all) }
        }
        let sizes = widths(kept)
        func line(_ cells: [String]) -> String {
            var line = ""
            for (place, cell) in cells.enumerated() {
                if place > 0 { line += "  " }
                let gap = String(repeating: " ", count: sizes[place] - cell.count)
                line += columns[kept[place]].isRight ? gap + cell : cell + gap
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        var text = line(kept.map { columns[$0].title })
        for row in all { text += line(kept.map { row[$0].shown }) }
        return text
    }

    private func stacked(_ all: [[Cell]]) -> String {
        let size = columns.map(\.title.count).max() ?? 0
        return all.map { row in
            columns.indices.filter { !row[$0].shown.isEmpty }.map { column in
                let title = columns[column].title
                return title + String(repeating: " ", count: size - title.count + 2) + row[column].shown + "\n"
            }.joined()
        }.joined(separator: "\n")
    }

    /// RFC 4180, with exact values. Text that a spreadsheet would take for a formula gets a leading apostrophe.
    package var csv: String {
        var text = columns.map(\.name).joined(separator: ",") + "\r\n"
        for row in rows { text += row.map { Self.field($0.exact) }.joined(separator: ",") + "\r\n" }
        return text
    }

    static func field(_ value: String) -> String {
        // By scalars: a quote or an equals sign with a combining mark behind it is another character to Swift, not to a reader.
        var scalars = Array(value.unicodeScalars)
        if let first = scalars.first, "=+-@\t\r".unicodeScalars.contains(first), Int64(value) == nil {
            scalars.insert("'", at: 0)
        }
        let needsQuotes = scalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
        guard needsQuotes else { return String(String.UnicodeScalarView(scalars)) }
        var quoted: [Unicode.Scalar] = ["\""]
        for scalar in scalars { quoted += scalar == "\"" ? ["\"", "\""] : [scalar] }
        return String(String.UnicodeScalarView(quoted + ["\""]))
    }
}

/// Text from outside without what a terminal or a reader's eye obeys: control characters and changes of direction.
package func inert(_ text: String) -> String {
    let isHarmless = text.unicodeScalars.allSatisfy { !isObeyed($0) }
    return isHarmless
        ? text : String(String.UnicodeScalarView(text.unicodeScalars.map { isObeyed($0) ? "\u{FFFD}" : $0 }))
}

private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, DEL, C1; directional marks, embeddings, overrides and isolates; line and paragraph separators.
    case 0..<32, 127..<160, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
}

/// `12,408`.
package func grouped(_ value: Int64) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
        groups.append(String(digits.suffix(3)))
        digits.removeLast(3)
    }
    groups.append(digits)
    return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
}

/// `$412.10`, `$0.0412`, `<$0.0001`: for reading. Exact amounts are in CSV and JSON.
package func shownMoney(_ nanoUSD: Int64) -> String {
    let sign = nanoUSD < 0 ? "-" : ""
    let magnitude = Int64(clamping: nanoUSD.magnitude)
    if magnitude >= 1_000_000_000 {
        let cents = magnitude / 10_000_000 + (magnitude % 10_000_000 >= 5_000_000 ? 1 : 0)
        return "\(sign)$\(grouped(cents / 100)).\(padded(cents % 100, 2))"
    }
    if magnitude == 0 { return "$0.00" }
    let parts = magnitude / 100_000 + (magnitude % 100_000 >= 50_000 ? 1 : 0)
    if parts == 0 { return "\(sign)<$0.0001" }
    if parts == 10_000 { return "\(sign)$1.00" }
    var fraction = padded(parts, 4)
    while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
    return "\(sign)$0.\(fraction)"
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}
