// PromptOutlineReader: hashes a prompt piece by piece. Markers of what is to be cached are left out: clients move them from turn to turn,
// and that breaks nothing. A pass over the whole body, made only where an operator wants to know why caches break.

package import GatewayModel
import WireFormat

/// Reads the outline of a body that `readRequest` has found good.
package func readOutline(_ endpoint: Endpoint, body: UnsafeRawBufferPointer) -> PromptOutline {
    var outline = PromptOutline()
    var settings: UInt64 = 0
    visitJSONMembers(body) { member in
        switch member.key {
        case "tools", "functions", "toolConfig": outline.tools = fold(content(member.kind, member.value))
        case "system", "instructions", "systemInstruction", "system_instruction":
            outline.system = fold(content(member.kind, member.value))
        case "messages", "input", "contents":
            guard member.kind == .array else {
                outline.messageCount = 1
                outline.messages = [fold(content(member.kind, member.value))]
                return
            }
            visitJSONElements(member.value) { kind, value in
                outline.messageCount += 1
                if outline.messages.count < PromptOutline.messagesMax { outline.messages.append(fold(content(kind, value))) }
                return true
            }
        case "thinking", "tool_choice", "speed", "reasoning", "reasoning_effort", "output_config":
            // In any order.
            settings &+= named(member)
        default: break
        }
    }
    outline.settings = fold(settings)
    return outline
}

/// Never 0, which is nothing.
private func fold(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash ^ hash >> 32) | 1 }

/// A value whose parts may carry markers. A text by itself and a list of that one text are the same to every provider.
private func content(_ kind: JSONKind, _ value: UnsafeRawBufferPointer) -> UInt64 {
    switch kind {
    case .string: return hash(value, seed: 3)
    case .array:
        var sum: UInt64 = 0
        visitJSONElements(value) { kind, element in
            if kind == .object, isMarker(element) { return true }
            let next = content(kind, element)
            sum = sum == 0 ? next : mix(sum, next)
            return true
        }
        return sum
    case .object: return object(value)
    default: return hash(value, seed: 5)
    }
}

/// An object's members in any order, without the markers.
private func object(_ value: UnsafeRawBufferPointer) -> UInt64 {
    var sum: UInt64 = 0
    var text: UnsafeRawBufferPointer?
    var isText = false
    var others = 0
    visitJSONMembers(value) { member in
        if member.isNamed("cache_control") || member.isNamed("prompt_cache_breakpoint") { return }
        if member.isNamed("type"), member.isString("text") {
            isText = true
        } else if member.isNamed("text"), member.kind == .string {
            text = member.value
        } else {
            others += 1
        }
        sum &+= named(member)
    }
    if let text, others == 0, isText || sum != 0 { return hash(text, seed: 3) }
    return sum
}

private func named(_ member: JSONMember) -> UInt64 {
    mix(hash(member.rawKey, seed: 7), content(member.kind, member.value))
}

/// Bedrock's marker is a block of its own.
private func isMarker(_ value: UnsafeRawBufferPointer) -> Bool {
    var names = 0
    var isMarker = false
    visitJSONMembers(value) { member in
        names += 1
        if member.isNamed("cachePoint") { isMarker = true }
    }
    return isMarker && names == 1
}

/// The finaliser of SplitMix64 over both.
private func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    var value = first &* 0x9E37_79B9_7F4A_7C15 ^ second
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
}

/// Eight bytes at a time: a prompt is mostly text, and images in it are long.
private func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    var hash = seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
    var index = 0
    while index + 8 <= bytes.count {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        hash = (hash ^ word) &* 0x9FB2_1C65_1E98_DF25
        hash ^= hash >> 32
        index += 8
    }
    var rest: UInt64 = 0
    while index < bytes.count {
        rest = rest << 8 | UInt64(bytes[index])
        index += 1
    }
    return mix(hash, rest)
}
