/// One entry of `mlperf_log_accuracy.json`: what a sample was answered with.
public struct AccuracyLogEntry: Sendable, Equatable {
    /// LoadGen's number of the sample, `seq_id`.
    public var sequence: UInt64
    /// The sample's place in the data set, `qsl_idx`.
    public var index: UInt64
    /// The response, `data`.
    public var data: [UInt8]
    /// The first token, `token_data`; nil where the log has none.
    public var tokenData: [UInt8]?
    /// Tokens in the response, `token_count`; nil where the log has none.
    public var tokenCount: UInt64?

    /// An entry from its parts.
    public init(
        sequence: UInt64,
        index: UInt64,
        data: [UInt8],
        tokenData: [UInt8]? = nil,
        tokenCount: UInt64? = nil
    ) {
        self.sequence = sequence
        self.index = index
        self.data = data
        self.tokenData = tokenData
        self.tokenCount = tokenCount
    }
}

/// What is wrong with an accuracy log, and where.
public struct AccuracyLogError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public var path: String
    /// The entry that is being read, from 1; 0 before the first, nil where the file as such is at fault.
    public var entry: Int?
    /// Bytes of the file before the fault.
    public var offset: UInt64
    /// What was expected, what was found, what to do.
    public var reason: String

    /// `PATH: entry 17, byte 5120: ...`.
    public var description: String {
        guard let entry else { return "\(path): \(reason)" }
        return "\(path): entry \(entry), byte \(offset): \(reason)"
    }
}
