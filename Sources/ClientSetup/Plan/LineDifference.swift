// LineDifference: a change as a person reads it: the lines that go, the lines that come, and three lines around them.

/// Lines of both texts in their order.
package struct LineDifference {
    enum Line: Equatable { case same(Substring), removed(Substring), added(Substring) }

    private let lines: [Line]
    /// Middles beyond this many pairs of lines are shown as replaced whole.
    private static let pairsMax = 4_000_000

    package init(from before: String, to after: String) {
        let old = Self.split(before)
        let new = Self.split(after)
        var start = 0
        while start < old.count, start < new.count, old[start] == new[start] { start += 1 }
        var end = 0
        while end < old.count - start, end < new.count - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
        let middle = Self.middle(old[start..<(old.count - end)], new[start..<(new.count - end)])
        lines = old[..<start].map { .same($0) } + middle + old[(old.count - end)...].map { .same($0) }
    }

    private static func split(_ text: String) -> [Substring] {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// By the longest common subsequence.
    private static func middle(_ old: ArraySlice<Substring>, _ new: ArraySlice<Substring>) -> [Line] {
        let old = Array(old)
        let new = Array(new)
        guard !old.isEmpty, !new.isEmpty, old.count * new.count <= pairsMax else {
            return old.map { .removed($0) } + new.map { .added($0) }
        }
        let width = new.count + 1
        var lengths = [Int32](repeating: 0, count: (old.count + 1) * width)
        for i in stride(from: old.count - 1, through: 0, by: -1) {
            for j in stride(from: new.count - 1, through: 0, by: -1) {
                lengths[i * width + j] =
                    old[i] == new[j]
                    ? lengths[(i + 1) * width + j + 1] + 1 : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var result: [Line] = []
        var i = 0
        var j = 0
        while i < old.count || j < new.count {
            if i < old.count, j < new.count, old[i] == new[j] {
                result.append(.same(old[i]))
                i += 1
                j += 1
            } else if j == new.count || (i < old.count && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
                result.append(.removed(old[i]))
                i += 1
            } else {
                result.append(.added(new[j]))
                j += 1
            }
        }
        return result
    }

    /// Changed lines with three lines around them; `@@` stands where lines are left out.
    package var text: String {
        let context = 3
        let changed = lines.indices.filter { if case .same = lines[$0] { false } else { true } }
        var shown = Set<Int>()
        for index in changed { shown.formUnion(max(0, index - context)...min(lines.count - 1, index + context)) }
        var result = ""
        var last = -1
        for index in lines.indices where shown.contains(index) {
            if index != last + 1 { result += "  @@\n" }
            last = index
            switch lines[index] {
            case .same(let line): result += "   \(line)\n"
            case .removed(let line): result += "  -\(line)\n"
            case .added(let line): result += "  +\(line)\n"
            }
        }
        return result
    }
}
