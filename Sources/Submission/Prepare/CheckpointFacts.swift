internal import Glibc
internal import JSON

/// What a checkpoint's files tell of its weights.
struct CheckpointFacts {
    /// Names of the files with weights.
    var files: [String] = []
    /// Element types in MLPerf's spelling, the one with the most bytes first.
    var types: [String] = []
    /// How the weights were quantised, as config.json names it; nil if they were not.
    var quantization: String?

    private static let spelling = [
        "F64": "fp64", "F32": "fp32", "F16": "fp16", "BF16": "bf16", "F8_E4M3": "fp8", "F8_E5M2": "fp8", "I8": "int8",
        "U8": "uint8", "I32": "int32", "I64": "int64",
    ]

    /// Reads `config.json` and the headers of the safetensors files; what is not there stays empty.
    ///
    /// Source of the header's form: the safetensors format, a length of 8 bytes and JSON.
    init(folder: String) {
        let files = SubmissionFiles(root: folder)
        if let configuration = files.json("config.json").json {
            quantization = configuration["quantization_config"]?["quant_method"]?.asText
        }
        self.files = files.files(in: ".").filter { $0.hasSuffix(".safetensors") }
        var bytes: [String: Int] = [:]
        for name in self.files { Self.add(files.full(name), to: &bytes) }
        types = bytes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }

    private static func add(_ path: String, to bytes: inout [String: Int]) {
        guard let file = fopen(path, "re") else { return }
        defer { fclose(file) }
        var prefix = [UInt8](repeating: 0, count: 8)
        guard fread(&prefix, 1, 8, file) == 8 else { return }
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= 100 << 20 else { return }
        var header = [UInt8](repeating: 0, count: Int(length))
        guard fread(&header, 1, header.count, file) == header.count,
            case .object(let tensors)? = try? JSON(parsing: header)
        else { return }
        for (_, tensor) in tensors {
            guard let type = tensor["dtype"]?.asText, case .array(let offsets)? = tensor["data_offsets"],
                offsets.count == 2, case .integer(let start) = offsets[0], case .integer(let end) = offsets[1]
            else { continue }
            let size = Int(clamping: end.subtractingReportingOverflow(start).partialValue)
            let name = spelling[type] ?? type.lowercased()
            bytes[name] = bytes[name, default: 0].addingReportingOverflow(max(0, size)).partialValue
        }
    }
}
