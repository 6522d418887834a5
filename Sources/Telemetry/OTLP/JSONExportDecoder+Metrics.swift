// JSONExportDecoder+Metrics: a metric is a name, a unit and points of one of five kinds.

extension JSONExportDecoder {
    mutating func metric(_ points: inout [TelemetryPoint]) throws(TelemetryError) {
        try budget.take()
        var name = ""
        var unit = ""
        var found: [TelemetryPoint] = []
        try members { decoder, key throws(TelemetryError) in
            switch key {
            case "name": name = try decoder.string() ?? ""
            case "unit": unit = try decoder.string() ?? ""
            case "gauge", "sum", "histogram", "exponentialHistogram", "summary":
                try decoder.members { decoder, inner throws(TelemetryError) in
                    guard inner == "dataPoints" else { return try decoder.skip() }
                    try decoder.elements { decoder throws(TelemetryError) in
                        found.append(try decoder.point(isNumber: key == "gauge" || key == "sum", isSummary: key == "summary"))
                    }
                }
            default: try decoder.skip()
            }
        }
        for var point in found {
            point.name = name
            point.unit = unit
            points.append(point)
        }
    }

    private mutating func point(isNumber: Bool, isSummary: Bool) throws(TelemetryError) -> TelemetryPoint {
        try budget.take()
        var point = TelemetryPoint()
        var count: UInt64 = 0
        var sum: Double?
        try members { decoder, key throws(TelemetryError) in
            switch (key, isNumber) {
            case ("attributes", _): try decoder.attributes(&point.attributes, depth: 1)
            case ("startTimeUnixNano", _): point.startNanoseconds = try decoder.unsigned() ?? 0
            case ("timeUnixNano", _): point.timeNanoseconds = try decoder.unsigned() ?? 0
            case ("asDouble", true): if let value = try decoder.double() { point.value = .double(value) }
            case ("asInt", true): if let value = try decoder.signed() { point.value = .int(value) }
            case ("count", false): count = try decoder.unsigned() ?? 0
            case ("sum", false): sum = try decoder.double()
            default: try decoder.skip()
            }
        }
        if !isNumber { point.value = .distribution(count: count, sum: isSummary ? sum ?? 0 : sum) }
        return point
    }
}
