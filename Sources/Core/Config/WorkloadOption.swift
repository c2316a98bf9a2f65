public import JSON

/// An option that a workload declares: what may be written behind `model_config.NAME`.
public struct WorkloadOption: Sendable, Equatable {
    /// The type of the value, with its bounds.
    public enum Kind: Sendable, Equatable {
        /// `true` or `false`.
        case boolean
        /// An integer, with bounds.
        case integer(minimum: Int64?, maximum: Int64?)
        /// A number, with bounds.
        case number(minimum: Double?, maximum: Double?)
        /// A text; `values` are the allowed ones, nil for any.
        case string(values: [String]?)
        /// A file or folder, relative to the working directory.
        case path
    }

    /// The name.
    public var name: String
    /// The type of the value.
    public var kind: Kind
    /// A sentence for the user.
    public var help: String
    /// The value when none is given; nil when there is none.
    public var defaultValue: JSON?
    /// Whether a value must be given.
    public var isRequired: Bool

    /// What may be written, in words: `an integer from 1 to 4096`.
    public var expectation: String {
        switch kind {
        case .boolean: "true or false"
        case .integer(let minimum, let maximum): "an integer" + Self.bounds(minimum, maximum)
        case .number(let minimum, let maximum): "a number" + Self.bounds(minimum, maximum)
        case .string(let values?): "one of \(values.joined(separator: ", "))"
        case .string(nil): "a text"
        case .path: "a path"
        }
    }

    private static func bounds<Value>(_ minimum: Value?, _ maximum: Value?) -> String {
        switch (minimum, maximum) {
        case (let minimum?, let maximum?): " from \(minimum) to \(maximum)"
        case (let minimum?, nil): " of at least \(minimum)"
        case (nil, let maximum?): " of at most \(maximum)"
        case (nil, nil): ""
        }
    }

    /// Whether a value has the declared type and keeps the bounds.
    func accepts(_ value: JSON) -> Bool {
        switch (kind, value) {
        case (.boolean, .bool), (.string(nil), .string): true
        case (.path, .string(let text)): !text.isEmpty
        case (.string(let values?), .string(let text)): values.contains(text)
        case (.integer(let minimum, let maximum), .integer(let integer)):
            integer >= minimum ?? .min && integer <= maximum ?? .max
        case (.number(let minimum, let maximum), .number(let number)):
            number.isFinite && number >= minimum ?? -.infinity && number <= maximum ?? .infinity
        case (.number, .integer(let integer)): accepts(.number(Double(integer)))
        default: false
        }
    }

    /// The value that the user wrote, or nil when it is not what was declared.
    func value(of written: ConfigValue) -> JSON? {
        guard case .scalar(let text, let quoted) = written, let value = value(of: text, quoted: quoted), accepts(value)
        else { return Optional.none }  // not nil, which JSON would take for its null
        return value
    }

    private func value(of text: String, quoted: Bool) -> JSON? {
        switch kind {
        case .string, .path: return .string(text)
        case .boolean where !quoted: return ConfigScalar.boolean(text).map(JSON.bool)
        case .integer where !quoted: return ConfigScalar.integer(text).map { JSON.integer(Int64($0)) }
        case .number where !quoted: return ConfigScalar.number(text).map(JSON.number)
        default: return Optional.none
        }
    }
}
