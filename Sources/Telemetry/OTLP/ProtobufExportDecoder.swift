// ProtobufExportDecoder: OTLP export requests in their protobuf form (opentelemetry-proto 1.x). Unknown fields are skipped, and so is a
// known one of another wire type; a message that comes twice is merged, as protobuf has it.

/// Decodes one request.
struct ProtobufExportDecoder {
    var budget: ValueBudget

    init(_ limits: TelemetryLimits) { budget = ValueBudget(limits) }

    mutating func logs(_ bytes: UnsafeRawBufferPointer) throws(TelemetryError) -> [TelemetryGroup<TelemetryLog>] {
        try groups(bytes) { decoder, bytes, items throws(TelemetryError) in items.append(try decoder.log(bytes)) }
    }

    mutating func traces(_ bytes: UnsafeRawBufferPointer) throws(TelemetryError) -> [TelemetryGroup<TelemetrySpan>] {
        try groups(bytes) { decoder, bytes, items throws(TelemetryError) in items.append(try decoder.span(bytes)) }
    }

    mutating func metrics(_ bytes: UnsafeRawBufferPointer) throws(TelemetryError) -> [TelemetryGroup<TelemetryPoint>] {
        try groups(bytes) { decoder, bytes, items throws(TelemetryError) in try decoder.metric(bytes, &items) }
    }

    // MARK: The frame that the three requests share

    private typealias ReadItem<Item> = (inout Self, UnsafeRawBufferPointer, inout [Item]) throws(TelemetryError) -> Void

    /// Request { repeated ResourceX = 1 }.
    private mutating func groups<Item>(
        _ bytes: UnsafeRawBufferPointer, _ read: ReadItem<Item>
    ) throws(TelemetryError) -> [TelemetryGroup<Item>] {
        var groups: [TelemetryGroup<Item>] = []
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 1, let bytes = field.bytes { try ofResource(bytes, &groups, read) }
        }
        return groups
    }

    /// ResourceX { Resource = 1, repeated ScopeX = 2 }. The resource may stand behind its scopes.
    private mutating func ofResource<Item>(
        _ bytes: UnsafeRawBufferPointer, _ groups: inout [TelemetryGroup<Item>], _ read: ReadItem<Item>
    ) throws(TelemetryError) {
        try budget.take()
        var resource: [TelemetryAttribute] = []
        let first = groups.count
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            guard let bytes = field.bytes else { continue }
            if field.number == 1 { try attributes(1, of: bytes, &resource) }
            if field.number == 2 { groups.append(try ofScope(bytes, read)) }
        }
        for index in first..<groups.count { groups[index].resource = resource }
    }

    /// ScopeX { InstrumentationScope = 1, repeated X = 2 }.
    private mutating func ofScope<Item>(
        _ bytes: UnsafeRawBufferPointer, _ read: ReadItem<Item>
    ) throws(TelemetryError) -> TelemetryGroup<Item> {
        try budget.take()
        var group = TelemetryGroup<Item>()
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            guard let bytes = field.bytes else { continue }
            if field.number == 1 { try scope(bytes, &group.scope) }
            if field.number == 2 { try read(&self, bytes, &group.items) }
        }
        return group
    }

    private mutating func scope(_ bytes: UnsafeRawBufferPointer, _ scope: inout TelemetryScope) throws(TelemetryError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let text = field.string { scope.name = text }
            case 2: if let text = field.string { scope.version = text }
            case 3: if let bytes = field.bytes { scope.attributes.append(try attribute(bytes, depth: 1)) }
            default: break
            }
        }
    }

    // MARK: Records and spans

    private mutating func log(_ bytes: UnsafeRawBufferPointer) throws(TelemetryError) -> TelemetryLog {
        try budget.take()
        var log = TelemetryLog()
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let time = field.fixed64 { log.timeNanoseconds = time }
            case 2: if let number = field.int32 { log.severity = number }
            case 3: if let text = field.string { log.severityText = text }
            case 5: if let bytes = field.bytes { log.body = try value(bytes, depth: 1) }
            case 6: if let bytes = field.bytes { log.attributes.append(try attribute(bytes, depth: 1)) }
            case 9: if let bytes = field.bytes { log.traceID = Array(bytes) }
            case 10: if let bytes = field.bytes { log.spanID = Array(bytes) }
            case 11: if let time = field.fixed64 { log.observedNanoseconds = time }
            case 12: if let text = field.string { log.eventName = text }
            default: break
            }
        }
        return log
    }

    private mutating func span(_ bytes: UnsafeRawBufferPointer) throws(TelemetryError) -> TelemetrySpan {
        try budget.take()
        var span = TelemetrySpan()
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let bytes = field.bytes { span.traceID = Array(bytes) }
            case 2: if let bytes = field.bytes { span.spanID = Array(bytes) }
            case 4: if let bytes = field.bytes { span.parentSpanID = Array(bytes) }
            case 5: if let text = field.string { span.name = text }
            case 6: if let number = field.int32 { span.kind = number }
            case 7: if let time = field.fixed64 { span.startNanoseconds = time }
            case 8: if let time = field.fixed64 { span.endNanoseconds = time }
            case 9: if let bytes = field.bytes { span.attributes.append(try attribute(bytes, depth: 1)) }
            case 15: if let bytes = field.bytes { try status(bytes, &span) }
            default: break
            }
        }
        return span
    }

    private mutating func status(_ bytes: UnsafeRawBufferPointer, _ span: inout TelemetrySpan) throws(TelemetryError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 2, let text = field.string { span.statusMessage = text }
            if field.number == 3, let number = field.int32 { span.statusCode = number }
        }
    }

    // MARK: Attributes

    /// Appends the attributes that a message holds under this number.
    mutating func attributes(
        _ number: UInt32, of bytes: UnsafeRawBufferPointer, _ found: inout [TelemetryAttribute], depth: Int = 1
    ) throws(TelemetryError) {
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == number, let bytes = field.bytes { found.append(try attribute(bytes, depth: depth)) }
        }
    }

    /// KeyValue { key = 1, value = 2 }.
    mutating func attribute(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(TelemetryError) -> TelemetryAttribute {
        try budget.take()
        var attribute = TelemetryAttribute()
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            if field.number == 1, let text = field.string { attribute.key = text }
            if field.number == 2, let bytes = field.bytes { attribute.value = try value(bytes, depth: depth) }
        }
        return attribute
    }

    /// AnyValue: the last of its kinds that is set counts.
    private mutating func value(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(TelemetryError) -> TelemetryValue {
        try budget.check(depth: depth)
        var value = TelemetryValue.empty
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (1, .bytes(let bytes)): value = .string(String(decoding: bytes, as: UTF8.self))
            case (2, .varint(let number)): value = .bool(number != 0)
            case (3, .varint(let number)): value = .int(Int64(bitPattern: number))
            case (4, .fixed64(let bits)): value = .double(Double(bitPattern: bits))
            case (5, .bytes(let bytes)):
                var values: [TelemetryValue] = []
                var elements = WireReader(bytes)
                while let element = try elements.next() {
                    guard element.number == 1, let bytes = element.bytes else { continue }
                    try budget.take()
                    values.append(try self.value(bytes, depth: depth + 1))
                }
                value = .array(values)
            case (6, .bytes(let bytes)):
                var members: [TelemetryAttribute] = []
                try attributes(1, of: bytes, &members, depth: depth + 1)
                value = .map(members)
            case (7, .bytes(let bytes)): value = .bytes(Array(bytes))
            default: break
            }
        }
        return value
    }
}
