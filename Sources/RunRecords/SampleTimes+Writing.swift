public import Numerics

extension SampleTimes {
    /// How many values are asked for at once.
    private static let chunk = 1 << 15

    /// Writes the file, column by column in pieces, so that nothing is kept twice.
    ///
    /// The file appears under its name when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - header: What is said of the whole run.
    ///   - fill: Puts the values of a column for a range of samples (or queries, see ``Column/isForQueries``) into the
    ///     buffer, which has room for exactly these.
    /// - Throws: `SafetensorsError` where the system refuses or the header's counts are impossible.
    public static func write(
        to path: String,
        header: Header,
        fill: (Column, Range<Int>, UnsafeMutableBufferPointer<Int64>) -> Void
    ) throws(SafetensorsError) {
        let (samples, overflow) = header.queryCount.multipliedReportingOverflow(by: header.samplesPerQuery)
        guard header.queryCount >= 0, header.samplesPerQuery > 0, !overflow else {
            throw SafetensorsError(
                file: path,
                reason: "\(header.queryCount) queries of \(header.samplesPerQuery) samples are impossible"
            )
        }
        var texts = header.texts
        texts["format"] = format
        texts["scenario"] = header.scenario
        texts["mode"] = header.mode
        texts["samples_per_query"] = "\(header.samplesPerQuery)"
        func count(_ column: Column) -> Int { column.isForQueries ? header.queryCount : samples }
        let tensors = Column.allCases.map {
            SafetensorsWriter.Tensor(name: $0.rawValue, type: $0.type, shape: [count($0)])
        }
        let writer = try SafetensorsWriter(path: path, tensors: tensors, metadata: texts)
        let values = UnsafeMutableBufferPointer<Int64>.allocate(capacity: chunk)
        defer { values.deallocate() }
        let octets = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 1)
        defer { octets.deallocate() }
        for column in Column.allCases {
            var start = 0
            while start < count(column) {
                let range = start..<min(start + chunk, count(column))
                let piece = UnsafeMutableBufferPointer(rebasing: values[..<range.count])
                fill(column, range, piece)
                if column == .failed {
                    for (place, value) in piece.enumerated() { octets[place] = value == 0 ? 0 : 1 }
                    try writer.append(UnsafeRawBufferPointer(rebasing: octets[..<range.count]), to: column.rawValue)
                } else {
                    for place in piece.indices { piece[place] = piece[place].littleEndian }
                    try writer.append(UnsafeRawBufferPointer(piece), to: column.rawValue)
                }
                start = range.upperBound
            }
        }
        try writer.finish()
    }
}
