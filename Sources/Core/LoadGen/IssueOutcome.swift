/// How the issuing of a phase ended.
struct IssueOutcome {
    /// Start of the phase by the clock of latencies.
    var start: Int64
    /// Queries that were issued.
    var queriesIssued = 0
    /// What to write to the detail log about the end, in the official words.
    var messages: [LogMessage] = []
    /// Whether the plan ended before the conditions of a natural end were met.
    var ranOut = false
    /// Why the system could not take a query or the flush.
    var failure: String?
}
