// Splice: one change of a body that leaves every other byte as it is.

/// Replaces `removeCount` bytes at `offset` by `insert`.
package struct Splice: Sendable, Hashable {
    package var offset: Int
    package var removeCount: Int
    package var insert: [UInt8]

    package init(offset: Int, removeCount: Int, insert: [UInt8]) {
        self.offset = offset
        self.removeCount = removeCount
        self.insert = insert
    }
}

/// The body with the splices carried out. They must be sorted by offset and not overlap.
package func applySplices(_ splices: [Splice], to body: UnsafeRawBufferPointer) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(body.count + splices.reduce(0) { $0 + $1.insert.count })
    var position = 0
    for splice in splices {
        out.append(contentsOf: UnsafeRawBufferPointer(rebasing: body[position..<splice.offset]))
        out.append(contentsOf: splice.insert)
        position = splice.offset + splice.removeCount
    }
    out.append(contentsOf: UnsafeRawBufferPointer(rebasing: body[position...]))
    return out
}
