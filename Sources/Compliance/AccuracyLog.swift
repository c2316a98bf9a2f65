internal import JSON

/// The accuracy log of a test's run, response by response.
enum AccuracyLog {
    /// The file's name in a run's folder.
    static let fileName = "mlperf_log_accuracy.json"

    static func forEachResponse(
        in run: String,
        _ body: (LoggedResponse) -> Void
    ) throws(ComplianceError) {
        let path = "\(run)/\(fileName)"
        do {
            let log = try JSONField(JSON(contentsOfFile: path), at: path)
            let entries = try log.array()
            for entry in entries {
                func bytes(_ text: String) throws(ComplianceError) -> [UInt8] {
                    let digits = Array(text.utf8)
                    guard digits.count.isMultiple(of: 2), text.allSatisfy(\.isHexDigit) else {
                        throw ComplianceError(source: path, reason: "an entry is no hexadecimal text")
                    }
                    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                        UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
                    }
                }
                body(
                    LoggedResponse(
                        index: UInt64(try entry["qsl_idx"].int(in: 0...)),
                        data: try bytes(try entry["data"].string()),
                        tokenData: try entry["token_data"].optional.map { try bytes(try $0.string()) },
                        tokenCount: try entry["token_count"].optional.map { UInt64(try $0.int(in: 0...)) }
                    )
                )
            }
            if entries.isEmpty { throw ComplianceError(source: path, reason: "has no entries: nothing to verify") }
        } catch let error as ComplianceError {
            throw error
        } catch { throw ComplianceError(source: path, reason: "\(error)") }
    }
}
