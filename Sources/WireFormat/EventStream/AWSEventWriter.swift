// AWSEventWriter: appends messages of an AWS event stream.

/// Appends one message.
package func appendAWSEvent(_ headers: [AWSHeader], payload: some Collection<UInt8>, to out: inout [UInt8]) {
    let start = out.count
    out.append(contentsOf: repeatElement(0, count: 12))
    for header in headers { append(header, to: &out) }
    let headersBytes = out.count - start - 12
    out.append(contentsOf: payload)
    put(UInt32(truncatingIfNeeded: out.count - start + 4), at: start, in: &out)
    put(UInt32(truncatingIfNeeded: headersBytes), at: start + 4, in: &out)
    let prelude = out.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[start..<start + 8])) }
    put(prelude, at: start + 8, in: &out)
    let whole = out.withUnsafeBytes { crc32(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    append(whole, to: &out)
}

/// Appends an event whose payload is JSON, with the headers that services send.
package func appendAWSEvent(_ type: String, json: some Collection<UInt8>, to out: inout [UInt8]) {
    appendAWSEvent(
        [
            AWSHeader(":event-type", .string(type)), AWSHeader(":content-type", .string("application/json")),
            AWSHeader(":message-type", .string("event")),
        ], payload: json, to: &out)
}

/// Appends an exception whose payload is JSON.
package func appendAWSException(_ type: String, json: some Collection<UInt8>, to out: inout [UInt8]) {
    appendAWSEvent(
        [
            AWSHeader(":exception-type", .string(type)), AWSHeader(":content-type", .string("application/json")),
            AWSHeader(":message-type", .string("exception")),
        ], payload: json, to: &out)
}

private func append(_ header: AWSHeader, to out: inout [UInt8]) {
    let name = header.name.utf8.prefix(255)
    out.append(UInt8(name.count))
    out.append(contentsOf: name)
    switch header.value {
    case .boolean(let value): out.append(value ? 0 : 1)
    case .int8(let value):
        out.append(2)
        append(value, to: &out)
    case .int16(let value):
        out.append(3)
        append(value, to: &out)
    case .int32(let value):
        out.append(4)
        append(value, to: &out)
    case .int64(let value):
        out.append(5)
        append(value, to: &out)
    case .bytes(let value):
        out.append(6)
        append(sized: value, to: &out)
    case .string(let value):
        out.append(7)
        append(sized: Array(value.utf8), to: &out)
    case .timestamp(let value):
        out.append(8)
        append(value, to: &out)
    case .uuid(let value):
        out.append(9)
        out.append(contentsOf: (value + [UInt8](repeating: 0, count: 16)).prefix(16))
    }
}

/// A length takes two bytes, and what is longer is cut.
private func append(sized bytes: [UInt8], to out: inout [UInt8]) {
    let kept = bytes.prefix(Int(UInt16.max))
    append(UInt16(kept.count), to: &out)
    out.append(contentsOf: kept)
}

private func append(_ value: some FixedWidthInteger, to out: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { out.append(contentsOf: $0) }
}

private func put(_ value: UInt32, at place: Int, in out: inout [UInt8]) {
    withUnsafeBytes(of: value.bigEndian) { bytes in
        for index in 0..<4 { out[place + index] = bytes[index] }
    }
}
