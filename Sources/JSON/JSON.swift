/// A JSON value.
///
/// Integers keep all 64 bits: MLPerf seeds and sample digests exceed what a `Double` holds, and some exceed `Int64`.
/// A literal without fraction or exponent is `.integer`, or `.unsigned` when it is above `Int64.max`; an integer literal
/// that fits neither (`"model_max_length": 1000000000000000019884624838656` is common) becomes the nearest `.number`.
///
/// Strings are compared byte by byte. Swift's own `String` comparison treats canonically equivalent texts as one,
/// which would merge entries of a vocabulary that differ.
public enum JSON: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer from `Int64.min` to `Int64.max`.
    case integer(Int64)
    /// An integer above `Int64.max`; smaller ones are always `.integer`, see `JSON.init(_:)`.
    case unsigned(UInt64)
    /// A number written with a fraction or an exponent. Finite when it came from a parsed text.
    case number(Double)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Named values, in the order in which they were written.
    case object(JSONObject)

    /// An integer, as `.integer` where it fits and as `.unsigned` or `.number` where it does not.
    ///
    /// - Parameter value: The integer.
    public init(_ value: some BinaryInteger) {
        if let signed = Int64(exactly: value) {
            self = .integer(signed)
        } else if let unsigned = UInt64(exactly: value) {
            self = .unsigned(unsigned)
        } else {
            self = .number(Double(value))
        }
    }

    /// The member of an object; nil when this is no object or has no such member.
    ///
    /// For input that must be checked, use `JSONField`, whose errors say what was expected where.
    public subscript(key: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }
}

extension JSON: Equatable {
    /// Whether two values are of the same kind and equal: strings by bytes, objects regardless of the order of members.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.unsigned(let a), .unsigned(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}
