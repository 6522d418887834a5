// Recording: one answer as each provider's dialect says it, with the one thing that it means (`Fixtures/translation/answers`).

import Dialects
import Foundation
import GatewayModel
import WireFormat

/// One case as one upstream dialect says it.
struct Recording: CustomStringConvertible, Sendable {
    let name: String
    let upstream: Dialect
    /// Events as JSON, with their names where the framing has them; nil where the case is no stream.
    let events: [(name: String, json: String)]?
    let document: [UInt8]?
    /// The expectation, as JSON.
    private let answer: String
    private let differs: String

    var description: String { "\(name) by \(upstream.rawValue)" }

    /// What anybody must understand.
    func expected() throws -> SeenAnswer {
        let answer = try Value(parsing: answer)
        let differs = try Value(parsing: differs)
        func member(_ name: String) -> Value { differs.names.contains(name) ? differs[name] : answer[name] }
        var seen = SeenAnswer(id: Translating.context.id, model: Translating.context.model)
        var calls = 0
        for part in member("parts").array ?? [] {
            let signature = part["signature"].string
            if let text = part["text"].string { seen.append(.text(text)) }
            if let text = part["refusal"].string { seen.append(.refusal(text)) }
            if let text = part["thinking"].string { seen.append(.thinking(text, signature: signature)) }
            if let data = part["redacted"].string { seen.append(.redacted(data)) }
            let call = part["call"]
            if call.isThere {
                let id = differs["ids"].isThere ? "#\(calls)" : call["id"].string ?? ""
                seen.append(.call(id: id, name: call["name"].string ?? "", arguments: call["arguments"].text))
                calls += 1
            }
        }
        seen.stop = member("stop").string.flatMap(SeenAnswer.Stop.init)
        seen.stopDetail = member("stop_detail").string
        seen.failure = member("failure").string
        seen.isWhole = seen.failure == nil
        let usage = member("usage")
        if usage.isThere {
            seen.usage = SeenAnswer.Usage(
                read: usage["read"].integer ?? 0, cached: usage["cached"].integer ?? 0, written: usage["written"].integer ?? 0,
                output: usage["output"].integer ?? 0, reasoning: usage["reasoning"].integer ?? 0)
        }
        let said = try Value(parsing: document ?? Array((events?.first?.json ?? "{}").utf8))
        let head = upstream == .openAIResponses ? said["response"].isThere ? said["response"] : said : said["message"]
        if upstream == .anthropicMessages || upstream == .bedrockInvoke {
            (seen.id, seen.model) = (said["id"].string, said["model"].string)
        }
        if upstream == .openAIResponses { (seen.id, seen.model) = (head["id"].string, head["model"].string) }
        if upstream == .openAIChat { (seen.id, seen.model) = (said["id"].string, said["model"].string) }
        if upstream == .gemini { (seen.id, seen.model) = (said["responseId"].string, said["modelVersion"].string) }
        if upstream == .ollama { seen.model = said["model"].string }
        return seen.joined()
    }

    var kind: ResponseBodyKind { upstream == .ollama ? .objects : upstream.isBedrock ? .eventStream : .sse }

    /// The stream's bytes, each event by itself.
    func frames() -> [[UInt8]] {
        (events ?? []).map { name, json in
            var out: [UInt8] = []
            switch upstream {
            case .ollama: out = Array("\(json)\n".utf8)
            case .bedrockConverse where name.hasSuffix("Exception"): appendAWSException(name, json: Array(json.utf8), to: &out)
            case .bedrockConverse: appendAWSEvent(name, json: Array(json.utf8), to: &out)
            case .bedrockInvoke: Array(json.utf8).withUnsafeBytes { appendChunk($0, to: &out) }
            default: out = Array("\(name.isEmpty ? "" : "event: \(name)\n")data: \(json)\n\n".utf8)
            }
            return out
        }
    }

    /// The same recording with one event said many times: what a long answer is.
    func repeating(_ marker: String, _ count: Int) -> Recording {
        let events = events?.flatMap { event in Array(repeating: event, count: event.json.contains(marker) ? count : 1) }
        return Recording(name: "long_\(name)", upstream: upstream, events: events, document: nil, answer: answer, differs: differs)
    }

    /// Every case of every dialect. InvokeModel carries Anthropic's own.
    static let all: [Recording] = {
        let folder = Fixture.root.appending(path: "translation/answers")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().flatMap { file -> [Recording] in
            guard let data = try? Data(contentsOf: folder.appending(path: file)), let whole = try? Value(parsing: data) else { return [] }
            return whole["recordings"].names.sorted().flatMap { name -> [Recording] in
                guard let upstream = Dialect(rawValue: name) else { return [] }
                let one = whole["recordings"][name]
                let events = one["stream"].array?.map { event -> (String, String) in
                    if let text = event.string { return ("", text) }
                    if let pair = event.array { return (pair[0].string ?? "", pair[1].text) }
                    let isNamed = upstream == .anthropicMessages || upstream == .openAIResponses
                    return (isNamed ? event["type"].string ?? "" : "", event.text)
                }
                let document = one["document"].isThere ? Array(one["document"].text.utf8) : nil
                return (upstream == .anthropicMessages ? [upstream, .bedrockInvoke] : [upstream]).map { dialect in
                    Recording(
                        name: String(file.dropLast(5)), upstream: dialect, events: events, document: document,
                        answer: whole["answer"].text, differs: one["differs"].text)
                }
            }
        }
    }()

    private init(
        name: String, upstream: Dialect, events: [(name: String, json: String)]?, document: [UInt8]?, answer: String, differs: String
    ) {
        (self.name, self.upstream, self.events, self.document) = (name, upstream, events, document)
        (self.answer, self.differs) = (answer, differs)
    }
}
