/// What a quantisation has made, as text.
public struct QuantizeReport: Sendable {
    private let summary: CheckpointQuantization.Summary

    /// A report of a summary.
    public init(_ summary: CheckpointQuantization.Summary) { self.summary = summary }

    /// The text, ending in a line feed.
    public var text: String {
        func megabytes(_ bytes: Int) -> String { RunReport.number(Double(bytes) / 1e6) + " MB" }
        let ratio = RunReport.number(Double(summary.bytes.before) / Double(max(1, summary.bytes.after)))
        return """
            \((summary.wasFinished ? "complete already" : "written to").padded(to: 28))\(summary.output)
            \("scheme".padded(to: 28))\(summary.scheme)
            \("layers quantised".padded(to: 28))\(summary.layers)
            \("tensors".padded(to: 28))\(megabytes(summary.bytes.before)) became \(megabytes(summary.bytes.after)), 1/\(ratio)

            """
    }
}
