extension LoadedWeights.Report {
    /// What became of the weights, in one sentence.
    public var sentence: String {
        func mebibytes(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }
        var parts = ["\(mebibytes(mapped)) mapped"]
        if copied > 0 { parts.append("\(mebibytes(copied)) copied") }
        if placed > 0 { parts.append("\(mebibytes(placed)) placed") }
        if staged > 0 { parts.append("at most \(mebibytes(staged)) at a time in staging memory") }
        if zeroed > 0 { parts.append("\(mebibytes(zeroed)) zeroed") }
        return "weights: " + parts.joined(separator: ", ")
    }
}
