/// A value of the detail log, in the forms that the official logger knows.
enum LogValue: Equatable {
    /// Quoted but not escaped, as in the official logs; see ``LogText``.
    case text(String)
    case flag(Bool)
    case integer(Int64)
    case count(UInt64)
    /// Six significant digits; not JSON where it is not finite.
    case real(Double)
    case indices([UInt64])
    /// Keys and texts, in the order given.
    case dictionary([(key: String, value: String)])

    var json: String {
        switch self {
        case .text(let text): "\"\(LogText.oneLine(text))\""
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let value): "\(value)"
        case .count(let value): "\(value)"
        case .real(let value): DefaultNumberFormat.text(value)
        case .indices(let list): "[" + list.map { "\($0)" }.joined(separator: ",") + "]"
        case .dictionary(let pairs): "{" + pairs.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",") + "}"
        }
    }

    static func == (left: LogValue, right: LogValue) -> Bool {
        left.json == right.json
    }
}
