// OpenAPISchema: Gemini's older way to describe arguments, a subset of OpenAPI 3.0 with types in capitals, as JSON schema.

import WireFormat

/// Rewrites a schema; what is no object stays as it is.
func jsonSchema(fromOpenAPI schema: UnsafeRawBufferPointer) -> [UInt8] {
    var json = JSONWriter(capacity: schema.count + 64)
    write(schema, into: &json)
    return json.bytes
}

private func write(_ schema: UnsafeRawBufferPointer, into json: inout JSONWriter) {
    guard let object = JSONObjectView(schema) else {
        json.rawElement(schema)
        return
    }
    json.beginObject()
    let isNullable = object["nullable"]?.boolean ?? false
    for member in object.members {
        let name = camelName(member.key)
        switch name {
        case "nullable": continue
        case "type":
            let type = member.string?.lowercased() ?? "object"
            if isNullable {
                json.beginArray("type")
                json.element(type)
                json.element("null")
                json.endArray()
            } else {
                json.field("type", type)
            }
        case "properties":
            guard let properties = member.object else { continue }
            json.beginObject("properties")
            for property in properties.members {
                json.key(named: property.key)
                write(property.value, into: &json)
            }
            json.endObject()
        case "items":
            json.key("items")
            write(member.value, into: &json)
        case "anyOf":
            json.beginArray("anyOf")
            for element in member.elements ?? [] { write(element.value, into: &json) }
            json.endArray()
        case "propertyOrdering", "example": continue
        case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
            // Protocol buffers write large integers as strings.
            json.rawField(named: name, member.string.map { Array($0.utf8) } ?? member.json)
        default: json.rawField(named: name, member.json)
        }
    }
    json.endObject()
}
