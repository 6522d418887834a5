// JSONValueFramer: cuts a stream of JSON objects into them over any split of the bytes: one a line (NDJSON, as Ollama streams), or the
// elements of one array that grows (as Gemini streams without `alt=sse`). It keeps bytes only of an object that is unfinished.

/// Frames the outermost objects of a stream.
package struct JSONValueFramer: Sendable {
    private var carry: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private let valueBytesMax: Int
    /// Inside an object that is over the limit: it is not kept.
    private var isSkipping = false
    /// How many objects were too large to be read.
    package private(set) var oversizedCount = 0

    /// Frames objects that are read up to `valueBytesMax`.
    package init(valueBytesMax: Int) { self.valueBytesMax = max(16, valueBytesMax) }

    /// Reads bytes; `body` gets each object that ends in them. What stands between objects (commas, line ends, an array's brackets) is
    /// passed over.
    package mutating func read(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start: Int? = depth > 0 ? 0 : nil
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == 92 {
                    isEscaped = true
                } else if byte == 34 {
                    isInString = false
                }
                continue
            }
            switch byte {
            case 34 where depth > 0: isInString = true
            case 123, 91:
                // The brackets around the objects are no part of one.
                if byte == 91, depth == 0 { continue }
                if depth == 0 { start = index }
                depth += 1
            case 125, 93:
                guard depth > 0 else { continue }
                depth -= 1
                guard depth == 0, let begun = start else { continue }
                emit(UnsafeRawBufferPointer(rebasing: bytes[begun...index]), body)
                start = nil
            default: continue
            }
        }
        if let start { keep(UnsafeRawBufferPointer(rebasing: bytes[start...])) }
    }

    private mutating func keep(_ rest: UnsafeRawBufferPointer) {
        guard !isSkipping else { return }
        guard carry.count + rest.count <= valueBytesMax else {
            isSkipping = true
            carry = []
            return
        }
        carry.append(contentsOf: rest)
    }

    private mutating func emit(_ last: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        if isSkipping || carry.count + last.count > valueBytesMax {
            oversizedCount += 1
            isSkipping = false
            carry = []
            return
        }
        guard !carry.isEmpty else {
            body(last)
            return
        }
        carry.append(contentsOf: last)
        let held = carry
        carry = []
        held.withUnsafeBytes(body)
    }
}
