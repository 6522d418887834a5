// ProtobufExportDecoder+Metrics: a metric is a name, a unit and points of one of five kinds. Buckets, quantiles and exemplars are not
// read: nothing here asks for them.

extension ProtobufExportDecoder {
    /// Metric { name = 1, unit = 3, gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11 }.
    mutating func metric(
        _ bytes: UnsafeRawBufferPointer, _ points: inout [TelemetryPoint]
    ) throws(TelemetryError) {
        try budget.take()
        var name = ""
        var unit = ""
        let first = points.count
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let text = field.string { name = text }
            case 3: if let text = field.string { unit = text }
            case 5, 7, 9, 10, 11:
                guard let bytes = field.bytes else { break }
                var data = WireReader(bytes)
                // Each kind { repeated data_points = 1 }.
                while let point = try data.next() {
                    guard point.number == 1, let bytes = point.bytes else { continue }
                    points.append(try self.point(bytes, kind: field.number))
                }
            default: break
            }
        }
        for index in first..<points.count {
            points[index].name = name
            points[index].unit = unit
        }
    }

    private mutating func point(_ bytes: UnsafeRawBufferPointer, kind: UInt32) throws(TelemetryError) -> TelemetryPoint {
        try budget.take()
        var point = TelemetryPoint()
        // Where a kind of point keeps its attributes.
        let attributesNumber: UInt32 = kind == 9 ? 9 : kind == 10 ? 1 : 7
        var count: UInt64 = 0
        var sum: Double?
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.value) {
            case (attributesNumber, .bytes(let bytes)): point.attributes.append(try attribute(bytes, depth: 1))
            case (2, .fixed64(let time)): point.startNanoseconds = time
            case (3, .fixed64(let time)): point.timeNanoseconds = time
            case (4, .fixed64(let bits)):
                if kind > 7 { count = bits } else { point.value = .double(Double(bitPattern: bits)) }
            case (5, .fixed64(let bits)): if kind > 7 { sum = Double(bitPattern: bits) }
            case (6, .fixed64(let bits)): if kind <= 7 { point.value = .int(Int64(bitPattern: bits)) }
            default: break
            }
        }
        if kind > 7 { point.value = .distribution(count: count, sum: kind == 11 ? sum ?? 0 : sum) }
        return point
    }
}
