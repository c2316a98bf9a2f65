import Glibc
import JSON
import Testing

@testable import Core

/// A run of Llama 2 in accuracy mode through `host --plugin`, and the tokens that its accuracy log holds.
struct AccuracyRun {
    /// The tokens of every sample, by its index in the data set.
    var tokens: [Int: [Int32]] = [:]
    /// The bytes of every sample as the log has them.
    var data: [Int: String] = [:]
    /// Indices in the data set, in the order in which the samples were issued.
    var order: [Int] = []

    init(
        model: String,
        dataset: String,
        options: [String],
        words: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        let output = try TemporaryFolder.folder()
        let outcome = try HostProcess.run(
            [
                "--plugin", "libLlama2.so", "--model", model, "--dataset", dataset, "--scenario", "offline", "--mode",
                "accuracy", "--output", output,
            ] + options.map { "model_config.\($0)" } + words,
            environment: environment,
            limit: 300
        )
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let path = output + "/mlperf_log_accuracy.json"
        let log = JSONField(try JSON(contentsOfFile: path), at: path)
        var issued: [(sequence: Int, index: Int)] = []
        for entry in try log.array() {
            let index = try entry["qsl_idx"].int()
            let hex = try entry["data"].string()
            #expect(tokens[index] == nil, "sample \(index) is in the log twice")
            data[index] = hex
            issued.append((try entry["seq_id"].int(), index))
            tokens[index] = AccuracyRun.int32s(hex)
        }
        order = issued.sorted { $0.sequence < $1.sequence }.map(\.index)
    }

    /// Little-endian 32-bit integers from hexadecimal text.
    private static func int32s(_ hex: String) -> [Int32] {
        let digits = Array(hex.utf8).map { UInt32(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count / 8 * 8, by: 8).map { start in
            var word: UInt32 = 0
            for byte in 0..<4 { word |= (digits[start + 2 * byte] << 4 | digits[start + 2 * byte + 1]) << (8 * byte) }
            return Int32(bitPattern: word)
        }
    }
}

/// Writes data sets of JSON Lines.
enum DatasetFile {
    static func write(_ objects: [JSON]) throws -> String {
        let path = try TemporaryFolder.folder() + "/samples.jsonl"
        try TextFile.write(objects.map { $0.text() + "\n" }.joined(), to: path)
        return path
    }
}
