/// What a compliance test reads of one entry of `mlperf_log_accuracy.json`.
struct LoggedResponse {
    /// Index of the sample.
    var index: UInt64
    /// The response.
    var data: [UInt8]
    /// The first token as it was reported; nil where the entry has none.
    var tokenData: [UInt8]?
    /// The number of tokens as it was reported; nil where the entry has none.
    var tokenCount: UInt64?
}
