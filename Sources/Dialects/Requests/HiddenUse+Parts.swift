// HiddenUse+Parts: pictures, documents and references in the messages of every dialect. A part of a kind that is not known here is
// taken for one that can fill the context.

import WireFormat

extension HiddenUseReader {
    /// A list of messages, items or parts, or one of them.
    mutating func readContent(_ member: JSONMember) {
        switch member.kind {
        case .array:
            visitJSONElements(member.value) { kind, value in
                if kind == .object { readPart(value) }
                return true
            }
        case .object: readPart(member.value)
        default: break
        }
    }

    /// A message, an item, or a part of one.
    mutating func readPart(_ bytes: UnsafeRawBufferPointer) {
        var type: String?
        var isImage = false
        var mediaBytes = 0
        var source: UnsafeRawBufferPointer?
        visitJSONMembers(bytes) { member in
            if member.isNamed("type") {
                type = member.string
            } else if member.kind == .string || member.kind == .number || member.kind == .boolean || member.kind == .null {
                // The picture of an `input_image`, or one that a tool made.
                guard member.kind == .string, member.isNamed("image_url") || member.isNamed("result") else { return }
                mediaBytes += member.value.count
                if member.isNamed("image_url") { isImage = true }
            } else if member.isNamed("content") || member.isNamed("parts") || member.isNamed("output") || member.isNamed("toolResult")
                || member.isNamed("guardContent") || member.isNamed("functionResponse") || member.isNamed("function_response")
            {
                readContent(member)
            } else if member.isNamed("source") {
                source = member.value
            } else if member.isNamed("image_url") {
                isImage = true
                mediaBytes += dataBytes(member.value)
            } else if member.isNamed("image") {
                isImage = true
                visitJSONMembers(member.value) { if $0.isNamed("source") { mediaBytes += dataBytes($0.value) } }
            } else if member.isNamed("images") {
                readImages(member.value)
            } else if member.isNamed("inlineData") || member.isNamed("inline_data") || member.isNamed("fileData")
                || member.isNamed("file_data")
            {
                readGeminiData(member)
            } else {
                readMedium(member)
            }
        }
        readType(type, isImage: &isImage, mediaBytes: mediaBytes, source)
        if isImage { count(mediaBytes) }
    }

    private mutating func count(_ bytes: Int) {
        use.images += 1
        use.mediaBytes += Int64(bytes)
    }

    /// A medium whose tokens its bytes do not bound. Its own bytes are no text.
    private mutating func readMedium(_ member: JSONMember) {
        let media: [StaticString] = ["document", "file", "input_audio", "audio", "video", "video_url", "audio_url"]
        for name in media where member.isNamed(name) {
            fill(name.description)
            use.mediaBytes += Int64(member.value.count)
        }
    }

    /// Ollama's pictures.
    mutating func readImages(_ bytes: UnsafeRawBufferPointer) {
        visitJSONElements(bytes) { _, value in
            count(value.count)
            return true
        }
    }

    private mutating func readGeminiData(_ member: JSONMember) {
        var mime = ""
        visitJSONMembers(member.value) { if $0.isNamed("mimeType") || $0.isNamed("mime_type") { mime = $0.string ?? "" } }
        if mime.hasPrefix("image/") {
            count(dataBytes(member.value))
        } else {
            fill(member.key)
            use.mediaBytes += Int64(member.value.count)
        }
    }

    /// The bytes of the strings that hold a medium: `data`, `bytes`, or a `data:` URL.
    private func dataBytes(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        visitJSONMembers(bytes) { member in
            if member.kind == .string, member.isNamed("data") || member.isNamed("bytes") || member.isNamed("url") {
                count += member.value.count
            }
        }
        return count
    }

    private mutating func readType(_ type: String?, isImage: inout Bool, mediaBytes: Int, _ source: UnsafeRawBufferPointer?) {
        guard let type else { return }
        switch type {
        case "image":
            isImage = true
            use.mediaBytes += Int64(source.map(dataBytes) ?? 0)
        case "input_image", "image_url", "computer_screenshot", "image_generation_call": isImage = true
        case "document": readDocument(source)
        case _ where Self.isText(type): break
        default:
            fill(type)
        }
    }

    /// Anthropic's documents: those of text are bounded by it, those of parts by these.
    private mutating func readDocument(_ source: UnsafeRawBufferPointer?) {
        var kind: String?
        guard let source else {
            fill("document")
            return
        }
        visitJSONMembers(source) { if $0.isNamed("type") { kind = $0.string } }
        switch kind {
        case "text": break
        case "content": visitJSONMembers(source) { if $0.isNamed("content") { readContent($0) } }
        default:
            fill("document")
            use.mediaBytes += Int64(source.count)
        }
    }

    /// Kinds of items and parts of which every byte that counts stands in the body.
    private static func isText(_ type: String) -> Bool {
        let known = [
            "text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal", "message", "reasoning", "thinking",
            "redacted_thinking", "tool_use", "server_tool_use", "tool_reference", "search_result", "compaction", "function", "custom",
            "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_tool_use", "program", "agent_message",
        ]
        return known.contains(type) || type.hasSuffix("_call") || type.hasSuffix("_output") || type.hasSuffix("_result")
    }
}
