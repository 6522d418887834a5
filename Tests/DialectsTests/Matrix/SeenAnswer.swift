// SeenAnswer: what somebody sees of an answer who knows its dialect and nothing of Weir: the expectation of the matrix tests, and what
// the readers beside this file make of bytes. They share no code with `Sources/Dialects`, so that a mistake there cannot hide here.

import Foundation
import GatewayModel

/// One answer, as it was understood.
struct SeenAnswer: Equatable {
    enum Part: Equatable {
        case text(String)
        case refusal(String)
        case thinking(String, signature: String?)
        case redacted(String)
        /// Arguments are compared as values.
        case call(id: String, name: String, arguments: String)
        case custom(id: String, name: String, input: String)
    }

    enum Stop: String {
        case end, stopSequence = "stop_sequence", tools, length, context, pause, filtered
    }

    struct Usage: Equatable {
        /// Everything that was read, caches included.
        var read = 0
        var cached = 0
        var written = 0
        var output = 0
        var reasoning = 0
    }

    var id: String?
    var model: String?
    var parts: [Part] = []
    var stop: Stop?
    /// The sequence that stopped it, or why it was refused.
    var stopDetail: String?
    var usage: Usage?
    var failure: String?
    /// Its dialect says that nothing more comes.
    var isWhole = false

    var hasCalls: Bool {
        parts.contains { part in
            switch part {
            case .call, .custom: true
            default: false
            }
        }
    }

    var hasRefused: Bool { parts.contains { if case .refusal = $0 { true } else { false } } }

    /// Neighbouring texts are one text, and a thought goes on until it is signed.
    mutating func append(_ part: Part) {
        switch (parts.last, part) {
        case (.text(let before)?, .text(let text)): parts[parts.count - 1] = .text(before + text)
        case (.refusal(let before)?, .refusal(let text)): parts[parts.count - 1] = .refusal(before + text)
        case (.thinking(let before, nil)?, .thinking(let text, let signature)):
            parts[parts.count - 1] = .thinking(before + text, signature: signature)
        default: parts.append(part)
        }
    }

    /// Without texts of nothing, which mean nothing.
    func joined() -> SeenAnswer {
        var answer = self
        answer.parts = []
        for part in parts where part != .text("") && part != .thinking("", signature: nil) { answer.append(part) }
        return answer
    }

    /// Thinking, text, calls: what dialects keep apart that have one place for each.
    func inOrderOfKinds() -> SeenAnswer {
        func rank(_ part: Part) -> Int {
            switch part {
            case .thinking, .redacted: 0
            case .text: 1
            case .refusal: 2
            case .call, .custom: 3
            }
        }
        var answer = self
        answer.parts = (0...3).flatMap { wanted in parts.filter { rank($0) == wanted } }
        return answer.joined()
    }
}

/// What is wrong with bytes that should be of a dialect.
struct Unreadable: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A JSON value by Foundation's parser.
struct Value {
    let any: Any?

    init(_ any: Any?) { self.any = any is NSNull ? nil : any }

    init(parsing bytes: some Sequence<UInt8>) throws {
        any = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
    }

    init(parsing text: String) throws { try self.init(parsing: text.utf8) }

    subscript(_ name: String) -> Value { Value((any as? [String: Any])?[name]) }
    subscript(_ index: Int) -> Value { Value((any as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }) }

    var isThere: Bool { any != nil }
    var object: [String: Any]? { any as? [String: Any] }
    var array: [Value]? { (any as? [Any])?.map(Value.init) }
    var string: String? { any as? String }
    var integer: Int? { (any as? NSNumber).flatMap { String(cString: $0.objCType) == "c" ? nil : $0.intValue } }
    var isTrue: Bool { (any as? NSNumber)?.boolValue ?? false }
    /// The names of an object's members.
    var names: Set<String> { Set(object?.keys.map { $0 } ?? []) }

    /// One text for all spellings of a value.
    var text: String {
        guard let any else { return "null" }
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
        return (try? JSONSerialization.data(withJSONObject: any, options: options)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
    }

    /// Arguments as a value where they are one; an empty text is no argument.
    static func arguments(_ text: String) -> String {
        if text.allSatisfy(\.isWhitespace) { return "{}" }
        return (try? Value(parsing: text))?.text ?? text
    }
}

/// An event of a stream: its name where the dialect names them.
struct SeenEvent {
    let name: String
    let data: [UInt8]
}

enum Streams {
    /// By the specification of server-sent events.
    static func serverSent(_ bytes: [UInt8]) -> [SeenEvent] {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var events: [SeenEvent] = []
        var name = ""
        var data: [String] = []
        func flush() {
            if !data.isEmpty { events.append(SeenEvent(name: name, data: Array(data.joined(separator: "\n").utf8))) }
            (name, data) = ("", [])
        }
        func take(_ line: ArraySlice<UInt8>) {
            if line.isEmpty { flush() }
            guard let colon = line.firstIndex(of: 58), colon != line.startIndex else { return }
            let value = line[(colon + 1)...]
            let text = String(decoding: value.first == 32 ? value.dropFirst() : value, as: UTF8.self)
            if line[..<colon].elementsEqual("event".utf8) { name = text }
            if line[..<colon].elementsEqual("data".utf8) { data.append(text) }
        }
        var start = bytes.startIndex
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex { $0 == 10 || $0 == 13 } ?? bytes.endIndex
            take(bytes[start..<end])
            // A carriage return with its line feed is one end.
            let isPair = end + 1 < bytes.endIndex && bytes[end] == 13 && bytes[end + 1] == 10
            start = end + (isPair ? 2 : 1)
        }
        flush()
        return events
    }

    static func lines(_ bytes: [UInt8]) -> [SeenEvent] {
        bytes.split(separator: 10).map { SeenEvent(name: "", data: Array($0)) }
    }

    /// By AWS's description of `application/vnd.amazon.eventstream`.
    static func aws(_ bytes: [UInt8]) throws -> [SeenEvent] {
        var events: [SeenEvent] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let start = rest.startIndex
            func number(_ place: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(rest[start + place + $1]) } }
            guard rest.count >= 16, number(0) <= rest.count, number(4) + 16 <= number(0) else { throw Unreadable("a cut message") }
            let total = number(0)
            guard crc(rest[start..<start + 8]) == number(8), crc(rest[start..<start + total - 4]) == number(total - 4) else {
                throw Unreadable("a checksum")
            }
            var fields: [String: String] = [:]
            var place = start + 12
            while place < start + 12 + number(4) {
                let nameEnd = place + 1 + Int(rest[place])
                guard rest[nameEnd] == 7 else { throw Unreadable("a field that is no text") }
                let valueEnd = nameEnd + 3 + Int(rest[nameEnd + 1]) << 8 + Int(rest[nameEnd + 2])
                let name = String(decoding: rest[(place + 1)..<nameEnd], as: UTF8.self)
                guard fields[name] == nil else { throw Unreadable("\(name) twice") }
                fields[name] = String(decoding: rest[(nameEnd + 3)..<valueEnd], as: UTF8.self)
                place = valueEnd
            }
            let name = fields[":event-type"] ?? fields[":exception-type"] ?? ""
            guard (fields[":message-type"] == "exception") == name.hasSuffix("Exception") else { throw Unreadable("\(fields)") }
            events.append(SeenEvent(name: name, data: Array(rest[(start + 12 + number(4))..<(start + total - 4)])))
            rest = rest.dropFirst(total)
        }
        return events
    }

    private static func crc(_ bytes: some Sequence<UInt8>) -> Int {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return Int(~sum)
    }
}

/// Reads an answer of this dialect. What Weir wrote itself is read strictly: any breach of the dialect's rules is an error.
func see(_ bytes: [UInt8], _ dialect: Dialect, isStream: Bool, strictly: Bool = true) throws -> SeenAnswer {
    var reader: any AnswerSeer =
        switch dialect {
        case .openAIChat: ChatSeer(isStrict: strictly)
        case .openAIResponses: ResponsesSeer(isStrict: strictly)
        case .anthropicMessages, .bedrockInvoke: MessagesSeer(isStrict: strictly)
        case .bedrockConverse: ConverseSeer(isStrict: strictly)
        case .gemini: GeminiSeer(isStrict: strictly)
        case .ollama: OllamaSeer(isStrict: strictly)
        case .openAICompletions, .openAIEmbeddings: throw Unreadable("never translated")
        }
    guard isStream else {
        try reader.read(document: Value(parsing: bytes))
        reader.answer.isWhole = reader.answer.failure == nil
        return reader.answer.joined()
    }
    if dialect == .gemini, bytes.first == 91 {
        // Without `alt=sse`, a stream is one array.
        try reader.read(document: Value(parsing: bytes))
    } else {
        for event in try events(bytes, dialect) where strictly || !event.data.starts(with: "[DONE]".utf8) || dialect == .openAIChat {
            try reader.read(event)
        }
    }
    try reader.finish()
    // A provider that said why it stopped has said all that is needed.
    if !strictly { reader.answer.isWhole = reader.answer.stop != nil && reader.answer.failure == nil }
    return reader.answer.joined()
}

/// The events of a stream; of Bedrock's InvokeModel those inside its chunks.
func events(_ bytes: [UInt8], _ dialect: Dialect) throws -> [SeenEvent] {
    switch dialect {
    case .ollama: Streams.lines(bytes)
    case .bedrockConverse: try Streams.aws(bytes)
    case .bedrockInvoke:
        try Streams.aws(bytes).map { event in
            guard event.name == "chunk" else { return event }
            guard let inner = try Data(base64Encoded: Value(parsing: event.data)["bytes"].string ?? "") else { throw Unreadable("a chunk") }
            return SeenEvent(name: try Value(parsing: inner)["type"].string ?? "", data: Array(inner))
        }
    default: Streams.serverSent(bytes)
    }
}

/// One dialect's reader.
protocol AnswerSeer {
    var answer: SeenAnswer { get set }
    mutating func read(_ event: SeenEvent) throws
    mutating func read(document: Value) throws
    /// The stream is over.
    mutating func finish() throws
}
