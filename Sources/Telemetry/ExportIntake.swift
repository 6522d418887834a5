// ExportIntake: one OTLP/HTTP request from its bytes to its answer (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). Pure: who keeps
// what was extracted says whether it could.

/// An answer to an exporter.
package struct ExportAnswer: Sendable, Hashable {
    package var status: Int
    package var contentType: String
    package var retryAfterSeconds: Int?
    package var body: [UInt8]

    /// A refusal, as a `google.rpc.Status` in the encoding of the request; JSON where that is not known.
    package init(
        _ status: Int, _ code: ExportReply.StatusCode, _ message: String, _ encoding: TelemetryEncoding?,
        retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        contentType = (encoding ?? .json).contentType
        self.retryAfterSeconds = retryAfterSeconds
        body = ExportReply.status(code, message, encoding ?? .json)
    }

    init(taken signal: TelemetrySignal, _ encoding: TelemetryEncoding, rejected: Int, reason: String) {
        status = 200
        contentType = encoding.contentType
        body = ExportReply.taken(signal, encoding, rejected: rejected, reason: reason)
    }
}

/// A request as it came.
package struct ExportRequest: Sendable {
    package var signal: TelemetrySignal
    package var contentType: String?
    package var contentEncoding: String?
    package var body: [UInt8]

    package init(_ signal: TelemetrySignal, contentType: String?, contentEncoding: String?, body: [UInt8]) {
        self.signal = signal
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.body = body
    }

    /// The encoding, when it is one of the two.
    package var encoding: TelemetryEncoding? { contentType.flatMap(TelemetryEncoding.init) }
}

/// Decodes, extracts, gives the result to `keep`, and says what to answer. Exporters try again after 503 and after nothing else here.
///
/// - Parameter keep: makes what was extracted durable; false when it cannot now. It is asked before the answer says 200.
package func takeExport(
    _ request: ExportRequest, limits: TelemetryLimits = TelemetryLimits(),
    keep: (ExtractedReports, TelemetryExport) -> Bool
) -> ExportAnswer {
    guard let encoding = request.encoding else {
        return ExportAnswer(
            415, .invalidArgument, "send application/x-protobuf or application/json, not \"\(request.contentType?.prefix(80) ?? "")\"", nil)
    }
    let export: TelemetryExport
    do throws(TelemetryError) {
        let body = try inflated(request, limits)
        export = try decode(body, request.signal, encoding, limits)
    } catch {
        return refusal(error, encoding)
    }
    let reports = ExtractedReports(export)
    guard keep(reports, export) else {
        return ExportAnswer(503, .unavailable, "the journal takes no records now; send it again", encoding, retryAfterSeconds: 5)
    }
    return ExportAnswer(taken: request.signal, encoding, rejected: reports.rejected, reason: reports.reason)
}

private func decode(
    _ body: [UInt8], _ signal: TelemetrySignal, _ encoding: TelemetryEncoding, _ limits: TelemetryLimits
) throws(TelemetryError) -> TelemetryExport {
    let result: Result<TelemetryExport, TelemetryError> = body.withUnsafeBytes { bytes in
        do throws(TelemetryError) {
            return .success(try decodeTelemetry(signal, encoding, bytes, limits: limits))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

private func inflated(_ request: ExportRequest, _ limits: TelemetryLimits) throws(TelemetryError) -> [UInt8] {
    switch request.contentEncoding?.lowercased() ?? "identity" {
    case "identity", "": return request.body
    case "gzip", "x-gzip":
        let result: Result<[UInt8], TelemetryError> = request.body.withUnsafeBytes { bytes in
            do throws(TelemetryError) {
                return .success(try inflateGzip(bytes, bytesMax: limits.bodyBytesMax))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    default: throw .unsupportedEncoding
    }
}

private func refusal(_ error: TelemetryError, _ encoding: TelemetryEncoding) -> ExportAnswer {
    switch error {
    case .malformed(let reason): ExportAnswer(400, .invalidArgument, "this is no OTLP request: \(reason)", encoding)
    case .tooDeep(let max): ExportAnswer(400, .invalidArgument, "values nest deeper than \(max) levels", encoding)
    case .tooManyValues(let max):
        ExportAnswer(413, .resourceExhausted, "the request holds more than \(max) values: send smaller batches", encoding)
    case .tooLarge(let maxBytes):
        ExportAnswer(413, .resourceExhausted, "the body inflates to more than \(maxBytes) bytes: send smaller batches", encoding)
    case .unsupportedEncoding:
        ExportAnswer(415, .invalidArgument, "send the body as it is, or with Content-Encoding: gzip", encoding)
    }
}
