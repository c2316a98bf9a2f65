internal import JSON

/// Values as the official checker, a Python program, takes them.
extension JSON {
    /// Whether Python takes the value for true: not empty, not 0, not false, not null.
    var isFilled: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .integer(let value): value != 0
        case .unsigned: true
        case .number(let value): value != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    /// The value in comparisons with a number; nil where Python refuses to compare.
    var comparable: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// What `float()` makes of the value.
    var asFloat: Double? {
        if case .string(let text) = self { return Double(Self.trimmed(text)) }
        return comparable
    }

    /// Whether `int()` accepts the value.
    var convertsToInteger: Bool {
        switch self {
        case .bool, .integer, .unsigned: true
        case .number(let value): value.isFinite
        case .string(let text): Self.isInteger(Self.trimmed(text))
        default: false
        }
    }

    /// The text; nil for other kinds.
    var asText: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    private static func isInteger(_ text: Substring) -> Bool {
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text
        return !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func trimmed(_ text: String) -> Substring {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }
}
