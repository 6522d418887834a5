// LabelGroups: which group of a report each set of labels belongs to. Looked up once a set and not once a row.

import GRDB
import Storage

/// Groups of label sets that are alike in some columns. Groups are numbered from 0.
struct LabelGroups {
    private let columns: [String]
    private let condition: String
    private let arguments: StatementArguments
    /// Of the id in `lookUp`, behind the arguments.
    private let place: Int
    private let database: Database
    private let lookUp: RawStatement

    /// By the label set's id.
    private var groups: [Int32]
    private var lookUps = 0
    private var texts = TextTable()
    private var numbers: [Members: Int32] = [:]
    private var members: [Members] = []

    /// Of sets that the conditions leave out, or that are not there.
    static let none: Int32 = -1
    private static let unknown: Int32 = -2

    /// At most three columns; without any there is one group.
    init(_ database: Database, columns: [String], conditions: [String], _ arguments: StatementArguments) throws {
        self.columns = columns
        self.database = database
        self.arguments = arguments
        place = conditions.count + 1
        condition = conditions.joined(separator: " AND ")
        let names = (["id"] + columns).joined(separator: ", ")
        lookUp = try RawStatement(
            database, "SELECT \(names) FROM label_set WHERE \((conditions + ["id = ?"]).joined(separator: " AND "))",
            arguments + [0])
        let largest = try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM label_set") ?? 0
        groups = Array(repeating: Self.unknown, count: Int(largest) + 1)
    }

    /// The group of a set of labels.
    mutating func group(_ id: Int64) throws -> Int32 {
        guard id >= 0, id < groups.count else { return Self.none }
        let known = groups[Int(id)]
        return known == Self.unknown ? try find(id) : known
    }

    /// The texts of a group, in the order of the columns.
    func texts(_ group: Int32) -> [String] { columns.indices.map { texts.text(members[Int(group)][$0]) } }

    /// The order of the texts.
    func precedes(_ left: Int32, _ right: Int32) -> Bool {
        for column in columns.indices {
            let (one, other) = (members[Int(left)][column], members[Int(right)][column])
            if one != other { return texts.precedes(one, other) }
        }
        return false
    }

    private mutating func find(_ id: Int64) throws -> Int32 {
        // A short range has few sets of a long ledger's; when it has many, one pass over all is cheaper.
        lookUps += 1
        if lookUps > groups.count / 16 {
            try findAll()
            return groups[Int(id)]
        }
        lookUp.bind(place, id)
        groups[Int(id)] = try lookUp.step() ? add(lookUp) : Self.none
        lookUp.reset()
        return groups[Int(id)]
    }

    private mutating func findAll() throws {
        for index in groups.indices where groups[index] == Self.unknown { groups[index] = Self.none }
        let names = (["id"] + columns).joined(separator: ", ")
        let all = try RawStatement(
            database, "SELECT \(names) FROM label_set\(condition.isEmpty ? "" : " WHERE ")\(condition)", arguments)
        while try all.step() {
            let id = Int(all.integer(0))
            if groups.indices.contains(id), groups[id] == Self.none { groups[id] = add(all) }
        }
    }

    /// The group of the label set that the statement stands at.
    private mutating func add(_ row: RawStatement) -> Int32 {
        var found = Members()
        for column in columns.indices { found[column] = row.withText(column + 1) { texts.number($0) } }
        if let known = numbers[found] { return known }
        let number = Int32(members.count)
        numbers[found] = number
        members.append(found)
        return number
    }
}

/// The texts of a group; a report has at most three dimensions.
private struct Members: Hashable {
    var first: Int32 = 0
    var second: Int32 = 0
    var third: Int32 = 0

    subscript(column: Int) -> Int32 {
        get { column == 0 ? first : column == 1 ? second : third }
        set {
            switch column {
            case 0: first = newValue
            case 1: second = newValue
            default: third = newValue
            }
        }
    }
}
