public import JSON

/// One figure of an accuracy report, with the bounds that it must be within.
public struct AccuracyMetric: Sendable, Equatable {
    /// What it is called.
    public var name: String
    /// The figure.
    public var value: Double
    /// The least that counts; nil where there is none.
    public var minimum: Double?
    /// The most that counts; nil where there is none.
    public var maximum: Double?

    /// Whether the figure is within its bounds; nil where it has none.
    public var isMet: Bool? {
        minimum == nil && maximum == nil ? nil : value >= minimum ?? -.infinity && value <= maximum ?? .infinity
    }

    /// Reads what a workload reports as JSON.
    ///
    /// - Parameter text: `[{"name": ..., "value": ..., "minimum": ..., "maximum": ...}, ...]`.
    /// - Returns: The figures in the same order.
    /// - Throws: `JSONError` that names the member.
    static func reading(_ text: String) throws -> [AccuracyMetric] {
        try JSONField(JSON(parsing: text, source: "metrics"), at: "metrics").array().map { field in
            AccuracyMetric(
                name: try field["name"].string(),
                value: try field["value"].double(),
                minimum: try field["minimum"].optional?.double(),
                maximum: try field["maximum"].optional?.double()
            )
        }
    }

    /// As a workload reports it.
    public var json: JSON {
        var members: [(String, JSON)] = [("name", .string(name)), ("value", .number(value))]
        if let minimum { members.append(("minimum", .number(minimum))) }
        if let maximum { members.append(("maximum", .number(maximum))) }
        return .object(JSONObject(members))
    }
}
