public import Numerics

extension SampleTimes {
    /// Times beyond this are damage: no run takes a century.
    private static let latestTime: Int64 = 4_000_000_000_000_000_000

    /// Opens the file, which is mapped, and checks its header and shapes; no value is read.
    ///
    /// - Parameter path: The file.
    /// - Throws: `SafetensorsError` when the file cannot be read, is cut off, or is none of this kind.
    public init(path: String) throws(SafetensorsError) {
        let file = try SafetensorsFile(path: path)
        func text(_ name: String) throws(SafetensorsError) -> String {
            guard let text = file.metadata[name] else {
                throw SafetensorsError(file: path, reason: "has no text \(name): this is no file of sample times")
            }
            return text
        }
        let format = try text("format")
        guard format == Self.format else {
            throw SafetensorsError(file: path, reason: "has the format \(format), and only \(Self.format) can be read")
        }
        let scenario = try text("scenario")
        let mode = try text("mode")
        let stated = try text("samples_per_query")
        guard let perQuery = Int(stated), perQuery > 0 else {
            throw SafetensorsError(file: path, reason: "samples_per_query: expected a positive number, found \(stated)")
        }
        var counts: [Bool: Int] = [:]
        for column in Column.allCases {
            let tensor = try file.tensor(named: column.rawValue)
            guard tensor.type == column.type, tensor.shape.count == 1, let count = tensor.shape.first else {
                throw SafetensorsError(
                    file: path,
                    tensor: column.rawValue,
                    reason: "expected a list of \(column.type), found \(tensor.type) of shape \(tensor.shape)"
                )
            }
            if let other = counts.updateValue(count, forKey: column.isForQueries), other != count {
                throw SafetensorsError(
                    file: path,
                    tensor: column.rawValue,
                    reason: "has \(count) values where others have \(other)"
                )
            }
        }
        let queries = counts[true] ?? 0
        let samples = counts[false] ?? 0
        let (expected, overflow) = queries.multipliedReportingOverflow(by: perQuery)
        guard !overflow, expected == samples else {
            throw SafetensorsError(
                file: path,
                reason: "has \(samples) samples, which \(queries) queries of \(perQuery) do not make"
            )
        }
        var others = file.metadata
        for name in ["format", "scenario", "mode", "samples_per_query"] { others[name] = nil }
        header = Header(
            scenario: scenario,
            mode: mode,
            queryCount: queries,
            samplesPerQuery: perQuery,
            texts: others
        )
        sampleCount = samples
        self.file = file
    }

    /// The values of a column, in the order of issue.
    ///
    /// - Parameter column: Which.
    /// - Returns: A value for each sample, or for each query where ``Column/isForQueries``.
    /// - Throws: `SafetensorsError` naming a value that no run can have left.
    public func values(_ column: Column) throws(SafetensorsError) -> [Int64] {
        let tensor = try file.tensor(named: column.rawValue)
        tensor.expectSequentialReading()
        let values: [Int64] = tensor.withBytes { bytes in
            [Int64](unsafeUninitializedCapacity: tensor.count) { buffer, count in
                count = tensor.count
                for place in 0..<count {
                    buffer[place] =
                        column == .failed
                        ? Int64(bytes[place])
                        : Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place * 8, as: Int64.self))
                }
            }
        }
        let least: Int64 = column == .firstToken || column == .completed ? -1 : 0
        if let place = values.firstIndex(where: { $0 < least || $0 > Self.latestTime }) {
            throw SafetensorsError(
                file: file.path,
                tensor: column.rawValue,
                reason: "value \(place) is \(values[place]), which is outside \(least)...\(Self.latestTime)"
            )
        }
        return values
    }
}
