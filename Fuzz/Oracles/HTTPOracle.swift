// HTTPOracle: what must hold of the head reader and the chunked reader for any bytes.

package import WireFormat

/// A head, then a chunked body: the two in one input, as on a connection.
package func checkHTTP(_ bytes: [UInt8]) -> Finding? {
    let limit = 4096
    let whole = headEnd([bytes], bytesMax: limit)
    let bytewise = headEnd(bytes.map { [$0] }, bytesMax: limit)
    if whole.end != bytewise.end { return "the split changed where the head ends" }
    // A long head that never ends is refused as soon as it is too long, whatever stands further on.
    if whole.error != bytewise.error, bytes.count < limit { return "the split changed the refusal" }
    guard let end = whole.end else { return checkChunked(bytes) }
    let head = Array(bytes[0..<end])
    return checkRequest(head) ?? checkResponse(head) ?? checkChunked(Array(bytes[end...]))
}

/// Where the scanner finds the head's end when the bytes arrive in these pieces.
package func headEnd(_ pieces: [[UInt8]], bytesMax: Int) -> (end: Int?, error: HTTPHeadError?) {
    var scanner = HTTPHeadScanner()
    var all: [UInt8] = []
    for piece in pieces {
        all += piece
        do throws(HTTPHeadError) {
            let end = try all.withBytes { (text) throws(HTTPHeadError) in try scanner.end(in: text, bytesMax: bytesMax)
            }
            if let end { return (end, nil) }
        } catch {
            return (nil, error)
        }
    }
    return (nil, nil)
}

/// Reads a request head, or says why it is refused.
package func parseRequest(_ head: [UInt8], fieldsMax: Int = 100) -> Result<HTTPRequestHead, HTTPHeadError> {
    do throws(HTTPHeadError) {
        return .success(
            try head.withBytes { (text) throws(HTTPHeadError) in try HTTPRequestHead(text, fieldsMax: fieldsMax) })
    } catch {
        return .failure(error)
    }
}

/// What is accepted is free of control characters, and reads the same when it is written anew.
private func checkRequest(_ bytes: [UInt8]) -> Finding? {
    guard case .success(let head) = parseRequest(bytes) else { return nil }
    if !head.path.hasPrefix("/") { return "the path \(head.path) is not absolute" }
    if let finding = checkFields(head.fields) { return finding }
    let target = head.query.isEmpty ? head.path : "\(head.path)?\(head.query)"
    var again = Array("\(head.method) \(target) HTTP/1.1\r\n".utf8)
    for field in head.fields.list {
        again +=
            head.fields.withName(field) { Array($0) } + [58] + head.fields.withValue(field) { Array($0) } + [13, 10]
    }
    again += [13, 10]
    guard case .success(let copy) = parseRequest(again) else { return "an accepted head is refused when written anew" }
    let isSame =
        copy.method == head.method && copy.path == head.path && copy.query == head.query && copy.framing == head.framing
        && copy.keepsAlive == head.keepsAlive && copy.fields.list.count == head.fields.list.count
    return isSame ? nil : "an accepted head reads otherwise when written anew"
}

private func checkResponse(_ bytes: [UInt8]) -> Finding? {
    do throws(HTTPHeadError) {
        let head = try bytes.withBytes { (text) throws(HTTPHeadError) in
            try HTTPResponseHead(text, requestMethod: "POST", fieldsMax: 100)
        }
        if !(100...999).contains(head.status) { return "the status \(head.status) is out of bounds" }
        return checkFields(head.fields)
    } catch {
        return nil
    }
}

private func checkFields(_ fields: HTTPFields) -> Finding? {
    for field in fields.list {
        let name = fields.withName(field) { Array($0) }
        let value = fields.withValue(field) { Array($0) }
        if name.isEmpty || name.contains(where: { $0 <= 32 || $0 >= 127 || $0 == 58 }) {
            return "the name \(name) is no token"
        }
        if value.contains(where: { $0 < 32 && $0 != 9 || $0 == 127 }) {
            return "the value \(value) holds a control character"
        }
    }
    return nil
}

/// What a chunked body came to.
package struct Dechunked: Equatable, Sendable {
    package var payload: [UInt8] = []
    package var consumed = 0
    package var isDone = false
    package var error: HTTPHeadError?

    package init(payload: [UInt8] = [], consumed: Int = 0, isDone: Bool = false, error: HTTPHeadError? = nil) {
        self.payload = payload
        self.consumed = consumed
        self.isDone = isDone
        self.error = error
    }
}

/// Reads a chunked body that arrives in these pieces.
package func dechunk(_ pieces: [[UInt8]]) -> Dechunked {
    var reader = ChunkedReader()
    var out = Dechunked()
    for piece in pieces {
        do throws(HTTPHeadError) {
            out.consumed += try piece.withBytes { (text) throws(HTTPHeadError) in
                try reader.read(text) { out.payload.append(contentsOf: $0) }
            }
        } catch {
            out.error = error
            break
        }
        if reader.isDone { break }
    }
    out.isDone = reader.isDone
    return out
}

private func checkChunked(_ bytes: [UInt8]) -> Finding? {
    var random = Seeded(bytes: bytes)
    var whole = dechunk([bytes])
    for pieces in [random.cut(bytes), bytes.map { [$0] }] {
        var cut = dechunk(pieces)
        if whole.error != nil {
            // How far it came before a refusal is not told.
            cut.consumed = 0
            whole.consumed = 0
        }
        if cut != whole { return "a split changed the chunked body: \(whole) and \(cut)" }
    }
    guard whole.isDone else { return nil }
    if whole.consumed > bytes.count { return "more was consumed than came" }
    let again = Array((whole.payload.isEmpty ? "" : String(whole.payload.count, radix: 16) + "\r\n").utf8)
    let copy = dechunk([again + whole.payload + (whole.payload.isEmpty ? [] : [13, 10]) + Array("0\r\n\r\n".utf8)])
    return copy.payload == whole.payload && copy.isDone ? nil : "the payload written anew reads otherwise"
}
