import JSON

/// One option that a workload's `create` understands; the host checks values against it and fills in the default.
public struct OptionDeclaration: Sendable {
    /// The kinds of value an option may have.
    public enum Kind: String, Sendable {
        case boolean, integer, number, string, path
    }

    var fields: JSONObject

    private init(_ name: String, _ kind: Kind, _ help: String, _ more: [(String, JSON?)]) {
        fields = JSONObject()
        fields.updateValue(.string(name), forKey: "name")
        fields.updateValue(.string(kind.rawValue), forKey: "type")
        fields.updateValue(.string(help), forKey: "help")
        for (key, value) in more {
            if let value { fields.updateValue(value, forKey: key) }
        }
    }

    /// A switch.
    public static func boolean(_ name: String, default value: Bool, help: String) -> OptionDeclaration {
        OptionDeclaration(name, .boolean, help, [("default", .bool(value))])
    }

    /// A whole number within a range.
    public static func integer(
        _ name: String,
        default value: Int64,
        minimum: Int64? = nil,
        maximum: Int64? = nil,
        help: String
    ) -> OptionDeclaration {
        OptionDeclaration(
            name,
            .integer,
            help,
            [
                ("default", .integer(value)), ("minimum", minimum.map(JSON.integer)),
                ("maximum", maximum.map(JSON.integer)),
            ]
        )
    }

    /// A real number within a range.
    public static func number(
        _ name: String,
        default value: Double,
        minimum: Double? = nil,
        maximum: Double? = nil,
        help: String
    ) -> OptionDeclaration {
        OptionDeclaration(
            name,
            .number,
            help,
            [
                ("default", .number(value)), ("minimum", minimum.map(JSON.number)),
                ("maximum", maximum.map(JSON.number)),
            ]
        )
    }

    /// Text, of any value or of the values listed.
    public static func string(
        _ name: String,
        default value: String?,
        values: [String]? = nil,
        help: String
    ) -> OptionDeclaration {
        OptionDeclaration(
            name,
            .string,
            help,
            [
                ("default", value.map(JSON.string)),
                ("values", values.map { JSON.array($0.map(JSON.string)) }),
            ]
        )
    }
}
