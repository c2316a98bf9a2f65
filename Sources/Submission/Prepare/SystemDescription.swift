public import JSON

/// `systems/<system>.json`: what the system is that was measured.
public struct SystemDescription: Sendable {
    /// What begins a value that nobody has filled in yet; ``SubmissionCheck`` names such values.
    public static let placeholderMark = "TO FILL IN"

    /// Fields and values, in order.
    public var members: JSONObject
}
