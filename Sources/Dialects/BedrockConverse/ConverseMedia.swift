// ConverseMedia: how Converse names what others know by media type, and what may stand in its ids and names
// (botocore, bedrock-runtime/2023-09-30/service-2.json).

import WireFormat

enum ConverseMedia {
    private static let documents: [(format: String, type: String)] = [
        ("pdf", "application/pdf"), ("csv", "text/csv"), ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"), ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), ("html", "text/html"), ("txt", "text/plain"),
        ("md", "text/markdown"),
    ]

    static func documentType(_ format: String) -> String {
        documents.first { $0.format == format }?.type ?? "application/octet-stream"
    }

    static func documentFormat(_ type: String) -> String? { documents.first { $0.type == type }?.format }

    static func imageFormat(_ type: String) -> String? {
        switch type {
        case "image/png": "png"
        case "image/jpeg", "image/jpg": "jpeg"
        case "image/gif": "gif"
        case "image/webp": "webp"
        default: nil
        }
    }

    /// A document's name: letters, digits, single spaces, `-`, `()` and `[]`, at most 200.
    static func documentName(_ name: String?) -> String {
        var kept: [UInt8] = []
        for byte in (name ?? "").utf8 {
            let isKept =
                byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || "-()[]".utf8.contains(byte)
            if isKept {
                kept.append(byte)
            } else if let last = kept.last, last != 32 {
                kept.append(32)
            }
        }
        while kept.last == 32 { kept.removeLast() }
        return kept.isEmpty ? "document" : String(decoding: kept.prefix(200), as: UTF8.self)
    }
}

/// A tool call's id as Bedrock takes it: letters, digits, `_`, `.`, `:` and `-`, at most 64. Calls and results are changed alike, so they
/// still meet; of a longer one the end becomes a number made from all of it.
func bedrockToolID(_ id: String) -> String {
    guard !id.isEmpty else { return "call" }
    let bytes = id.utf8.map { byte in
        let fits =
            byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte == 95 || byte == 45 || byte == 46
            || byte == 58
        return fits ? byte : 95
    }
    guard bytes.count > 64 else { return String(decoding: bytes, as: UTF8.self) }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return String(decoding: bytes.prefix(47), as: UTF8.self) + "_" + String(hash, radix: 16)
}

/// Sealed thinking is bytes here, and a text elsewhere. What is base64 already goes as it is; of any other text its bytes are encoded
/// behind a mark, so that it comes back as it was.
func redactedContent(_ data: String) -> String {
    let text = Array(data.utf8)
    if text.withUnsafeBytes({ Base64.decode($0) }).map({ !$0.starts(with: textMark) }) == true { return data }
    return String(decoding: (textMark + text).withUnsafeBytes { Base64.encode($0) }, as: UTF8.self)
}

func redactedData(_ content: String) -> String {
    guard let bytes = Array(content.utf8).withUnsafeBytes({ Base64.decode($0) }), bytes.starts(with: textMark) else { return content }
    return String(decoding: bytes.dropFirst(textMark.count), as: UTF8.self)
}

private let textMark = Array("weir:text:".utf8)
