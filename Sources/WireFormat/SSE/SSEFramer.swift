// SSEFramer: cuts a byte stream into server-sent events (WHATWG HTML, section 9.2) over any split of the bytes. It keeps
// bytes only while an event is unfinished; an event that arrives whole is looked at where it lies.

#if canImport(Glibc)
    import Glibc
#endif

/// One event as it stood on the wire.
package struct SSEEvent {
    /// The value of its last `event:` line; empty when there is none.
    package let name: UnsafeRawBufferPointer
    /// Its data, several lines joined by LF; empty when it only holds comments.
    package let data: UnsafeRawBufferPointer
    /// Every byte of it with its blank line, as received.
    package let raw: UnsafeRawBufferPointer

    /// An event without a name whose framing is not server-sent events'.
    package init(data: UnsafeRawBufferPointer) {
        name = UnsafeRawBufferPointer(rebasing: data[0..<0])
        self.data = data
        raw = data
    }

    /// An event that another framing carried.
    package init(name: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer, raw: UnsafeRawBufferPointer) {
        self.name = name
        self.data = data
        self.raw = raw
    }
}

/// Frames events incrementally.
package struct SSEFramer: Sendable {
    /// What has come of an unfinished event.
    private var carry: [UInt8] = []
    private var isAtStart = true
    private let eventBytesMax: Int
    /// Inside an event that is over the limit: its bytes pass, uncounted, until it ends.
    private var isSkipping = false
    /// How many events were too large to be read.
    package private(set) var oversizedCount = 0

    /// Frames a stream whose events are read up to `eventBytesMax`, which is at least 16.
    package init(eventBytesMax: Int) {
        self.eventBytesMax = max(16, eventBytesMax)
    }

    /// Bytes of an event that has begun and not ended.
    package var hasCarry: Bool { !carry.isEmpty }

    /// Reads bytes; `body` gets each event that ends in them. `passed` gets bytes of oversized events, which are not framed.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, passed: (UnsafeRawBufferPointer) -> Void = { _ in }, _ body: (SSEEvent) -> Void
    ) {
        guard !bytes.isEmpty else { return }
        if carry.isEmpty, !isSkipping {
            let consumed = frame(bytes, isFinal: false, passed, body)
            keep(UnsafeRawBufferPointer(rebasing: bytes[consumed...]), passed)
            return
        }
        // The end of the carried event lies in the new bytes or at the seam: look at the seam and what follows.
        let seam = carry.count
        carry.append(contentsOf: bytes)
        if isSkipping {
            let held = carry
            carry = []
            held.withUnsafeBytes { skip($0, passed, body) }
            return
        }
        // A line end that was held back may be an event of its own, behind a byte order mark at most.
        guard seam <= 4 || mayEnd(from: seam - 3) else {
            keepWithinLimit(passed)
            return
        }
        let held = carry
        carry = []
        held.withUnsafeBytes { all in
            let consumed = frame(all, isFinal: false, passed, body)
            keep(UnsafeRawBufferPointer(rebasing: all[consumed...]), passed)
        }
    }

    /// The stream has ended. The specification drops an event without its blank line; the meter still wants its usage.
    package mutating func finish(_ body: (SSEEvent) -> Void) {
        guard !carry.isEmpty else { return }
        let held = carry
        carry = []
        held.withUnsafeBytes { all in
            if isSkipping {
                let nothing = UnsafeRawBufferPointer(rebasing: all[0..<0])
                body(SSEEvent(name: nothing, data: nothing, raw: all))
            } else {
                _ = frame(all, isFinal: true, { _ in }, body)
            }
        }
    }

    // MARK: Inside

    /// Whether the carried bytes could hold an event's end at or after `start`.
    private func mayEnd(from start: Int) -> Bool {
        var index = start
        while index + 1 < carry.count {
            let byte = carry[index]
            let next = carry[index + 1]
            if byte == 10 && (next == 10 || next == 13) || byte == 13 && (next == 13 || next == 10) { return true }
            index += 1
        }
        return false
    }

    private mutating func keep(_ rest: UnsafeRawBufferPointer, _ passed: (UnsafeRawBufferPointer) -> Void) {
        guard !rest.isEmpty else { return }
        carry.append(contentsOf: rest)
        keepWithinLimit(passed)
    }

    private mutating func keepWithinLimit(_ passed: (UnsafeRawBufferPointer) -> Void) {
        guard carry.count > eventBytesMax else { return }
        oversizedCount += 1
        isSkipping = true
        isAtStart = false
        // The last bytes stay, since the event's end may be split behind them.
        let held = carry
        carry = Array(held.suffix(3))
        held.withUnsafeBytes { passed(UnsafeRawBufferPointer(rebasing: $0[0..<held.count - 3])) }
    }

    /// Passes bytes on until the oversized event ends, then frames the rest.
    private mutating func skip(
        _ all: UnsafeRawBufferPointer, _ passed: (UnsafeRawBufferPointer) -> Void, _ body: (SSEEvent) -> Void
    ) {
        guard let end = blankLineEnd(all, from: 0) else {
            let held = min(3, all.count)
            passed(UnsafeRawBufferPointer(rebasing: all[0..<all.count - held]))
            carry = Array(all.suffix(held))
            return
        }
        isSkipping = false
        passed(UnsafeRawBufferPointer(rebasing: all[0..<end]))
        let rest = UnsafeRawBufferPointer(rebasing: all[end...])
        let consumed = frame(rest, isFinal: false, passed, body)
        keep(UnsafeRawBufferPointer(rebasing: rest[consumed...]), passed)
    }

    /// The index behind the first blank line at or after `start`. A CR at the very end does not count: an LF may follow.
    private func blankLineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        var lineIsEmpty = false
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 10 || byte == 13 else {
                lineIsEmpty = false
                index += 1
                continue
            }
            var next = index + 1
            if byte == 13 {
                guard next < bytes.count else { return nil }
                if bytes[next] == 10 { next += 1 }
            }
            if lineIsEmpty { return next }
            lineIsEmpty = true
            index = next
        }
        return nil
    }

    /// Frames whole events and gives how many bytes they took. When final, the last event needs no blank line.
    private mutating func frame(
        _ bytes: UnsafeRawBufferPointer, isFinal: Bool, _ passed: (UnsafeRawBufferPointer) -> Void,
        _ body: (SSEEvent) -> Void
    ) -> Int {
        guard !bytes.isEmpty else { return 0 }
        var lines = SSELines(bytes, isFinal: isFinal)
        if isAtStart {
            // One byte order mark, at the start of the stream only.
            if bytes.count < 3, bytes[0] == 0xEF, !isFinal { return 0 }
            if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { lines.position = 3 }
        }
        var eventStart = 0
        var event = SSELineSet(bytes)
        while let line = lines.next() {
            guard line.isEmpty else {
                event.add(UnsafeRawBufferPointer(rebasing: bytes[line]))
                continue
            }
            let raw = UnsafeRawBufferPointer(rebasing: bytes[eventStart..<lines.position])
            if raw.count > eventBytesMax {
                oversizedCount += 1
                passed(raw)
            } else {
                event.emit(raw, body)
            }
            eventStart = lines.position
            event = SSELineSet(bytes)
            // Not before: an event that is not whole is looked at again from its start.
            isAtStart = false
        }
        if isFinal, eventStart < bytes.count {
            event.emit(UnsafeRawBufferPointer(rebasing: bytes[eventStart...]), body)
            return bytes.count
        }
        return eventStart
    }
}

/// Cuts bytes into lines that end in LF, CR or CR LF. Each byte is looked at once, however the line ends are mixed.
private struct SSELines {
    let bytes: UnsafeRawBufferPointer
    /// Whether the last line needs no line end.
    let isFinal: Bool
    /// Behind the last line that was given, its end included.
    var position = 0
    /// The next LF at or behind `position`, or the count; a stream of CRs must not look for it again at each line.
    private var lineFeed = -1

    init(_ bytes: UnsafeRawBufferPointer, isFinal: Bool) {
        self.bytes = bytes
        self.isFinal = isFinal
    }

    /// The next line without its end; nil when it is not whole yet.
    mutating func next() -> Range<Int>? {
        guard position < bytes.count, let base = bytes.baseAddress else { return nil }
        let start = position
        if lineFeed < start {
            lineFeed = memchr(base + start, 10, bytes.count - start).map { UnsafeRawPointer($0) - base } ?? bytes.count
        }
        if let found = memchr(base + start, 13, lineFeed - start) {
            let end = UnsafeRawPointer(found) - base
            // An LF may follow in the next bytes and belong to this line end.
            if end + 1 == bytes.count, !isFinal { return nil }
            position = end + 1 == lineFeed && lineFeed < bytes.count ? end + 2 : end + 1
            return start..<end
        }
        guard lineFeed < bytes.count || isFinal else { return nil }
        position = min(lineFeed + 1, bytes.count)
        return start..<lineFeed
    }
}

/// The lines of one event that mean something.
private struct SSELineSet {
    private var name: UnsafeRawBufferPointer
    private var data: UnsafeRawBufferPointer
    private var joined: [UInt8] = []
    private var dataLines = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        name = UnsafeRawBufferPointer(rebasing: bytes[0..<0])
        data = name
    }

    mutating func add(_ line: UnsafeRawBufferPointer) {
        if let value = fieldValue(line, "data") {
            dataLines += 1
            if dataLines == 1 {
                data = value
            } else {
                if dataLines == 2 { joined = Array(data) }
                joined.append(10)
                joined.append(contentsOf: value)
            }
        } else if let value = fieldValue(line, "event") {
            name = value
        }
    }

    func emit(_ raw: UnsafeRawBufferPointer, _ body: (SSEEvent) -> Void) {
        if dataLines < 2 {
            body(SSEEvent(name: name, data: data, raw: raw))
        } else {
            joined.withUnsafeBytes { body(SSEEvent(name: name, data: $0, raw: raw)) }
        }
    }
}

/// The value of a line of this field: the part behind the first colon, without one leading space.
private func fieldValue(_ line: UnsafeRawBufferPointer, _ name: StaticString) -> UnsafeRawBufferPointer? {
    let count = name.utf8CodeUnitCount
    guard line.count >= count else { return nil }
    for index in 0..<count where line[index] != name.utf8Start[index] { return nil }
    if line.count == count { return UnsafeRawBufferPointer(rebasing: line[count..<count]) }
    guard line[count] == 58 else { return nil }
    let start = line.count > count + 1 && line[count + 1] == 32 ? count + 2 : count + 1
    return UnsafeRawBufferPointer(rebasing: line[start...])
}
