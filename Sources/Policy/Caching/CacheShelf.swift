// CacheShelf: values by key under a bound of bytes; what was asked for longest ago goes first. Pure: time comes in.

package import GatewayModel

/// A bounded table of values, each with an end.
package struct CacheShelf<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var key: Key
        var value: Value
        var bytes: Int
        var stored: Timestamp
        var expires: Timestamp
        /// Its neighbours in the order of use; -1 is none.
        var newer = -1
        var older = -1
    }

    private var slots: [Slot?] = []
    private var free: [Int] = []
    private var places: [Key: Int] = [:]
    private var newest = -1
    private var oldest = -1
    package private(set) var bytes = 0
    package private(set) var evictions: Int64 = 0
    package private(set) var bytesMax: Int

    /// What a value takes beside its own bytes: keys, links, the head of its memory.
    package static var overheadBytes: Int { 512 }

    package init(bytesMax: Int) { self.bytesMax = max(0, bytesMax) }

    package var count: Int { places.count }

    /// Takes another bound, and gives up what it has no room for.
    package mutating func setBytesMax(_ bound: Int) {
        bytesMax = max(0, bound)
        makeRoom(for: 0)
    }

    /// The value of a key that is not over. `storedAfter` leaves out what a shorter time would have ended by now.
    package mutating func find(_ key: Key, at now: Timestamp, storedAfter: Timestamp) -> Value? {
        guard let place = places[key], let slot = slots[place] else { return nil }
        guard now < slot.expires, slot.stored > storedAfter else {
            remove(place)
            return nil
        }
        unlink(place)
        link(place)
        return slot.value
    }

    /// Keeps a value; false when it is larger than the whole shelf.
    @discardableResult
    package mutating func put(_ key: Key, _ value: Value, bytes size: Int, at now: Timestamp, seconds: Int) -> Bool {
        if let place = places[key] { remove(place) }
        let (taken, overflow) = size.addingReportingOverflow(Self.overheadBytes)
        guard !overflow, size >= 0, taken <= bytesMax else { return false }
        makeRoom(for: taken)
        let slot = Slot(key: key, value: value, bytes: taken, stored: now, expires: now.adding(seconds: Int64(seconds)))
        let place: Int
        if let found = free.popLast() {
            place = found
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[key] = place
        bytes += taken
        link(place)
        return true
    }

    /// Gives up what meets a condition; how many those were.
    @discardableResult
    package mutating func removeAll(where condition: (Value) -> Bool) -> Int {
        let found = slots.indices.filter { index in slots[index].map { condition($0.value) } ?? false }
        for place in found { remove(place) }
        return found.count
    }

    private mutating func makeRoom(for size: Int) {
        while bytes + size > bytesMax, oldest >= 0 {
            remove(oldest)
            evictions += 1
        }
    }

    private mutating func remove(_ place: Int) {
        guard let slot = slots[place] else { return }
        unlink(place)
        places[slot.key] = nil
        bytes -= slot.bytes
        slots[place] = nil
        free.append(place)
    }

    /// Puts a slot at the newest end.
    private mutating func link(_ place: Int) {
        slots[place]?.older = newest
        slots[place]?.newer = -1
        if newest >= 0 { slots[newest]?.newer = place }
        newest = place
        if oldest < 0 { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        guard let slot = slots[place] else { return }
        if slot.newer >= 0 { slots[slot.newer]?.older = slot.older } else { newest = slot.older }
        if slot.older >= 0 { slots[slot.older]?.newer = slot.newer } else { oldest = slot.newer }
    }
}
