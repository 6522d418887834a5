// Prints what the HTTP readers make of each line of its standard input, bytes in hex, as one JSON object a line. Compiled together
// with WireFormat's HTTP sources by `Fuzz/compare-llhttp.py`, which holds it against llhttp.

func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func describe(_ bytes: [UInt8]) -> String {
    var scanner = HTTPHeadScanner()
    return bytes.withUnsafeBytes { all in
        guard let end = try? scanner.end(in: all, bytesMax: 65_536),
            let head = try? HTTPRequestHead(UnsafeRawBufferPointer(rebasing: all[0..<end]), fieldsMax: 100)
        else { return #"{"accepted":false}"# }
        let fields = head.fields.list.map { field in
            "[\"" + head.fields.withName(field) { text($0) } + "\",\"" + head.fields.withValue(field) { text($0) }
                + "\"]"
        }
        var payload: [UInt8] = []
        var isDone = false
        if head.framing == .chunked {
            var reader = ChunkedReader()
            let rest = UnsafeRawBufferPointer(rebasing: all[end...])
            isDone = (try? reader.read(rest) { payload.append(contentsOf: $0) }) != nil && reader.isDone
        }
        return "{\"accepted\":true,\"method\":\"\(head.method)\",\"fields\":[\(fields.joined(separator: ","))],"
            + "\"keeps_alive\":\(head.keepsAlive),\"done\":\(isDone),\"payload\":\"\(text(payload))\",\"head\":\(end)}"
    }
}

func unhex(_ line: String) -> [UInt8] {
    let digits = line.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

while let line = readLine() { print(describe(unhex(line))) }
