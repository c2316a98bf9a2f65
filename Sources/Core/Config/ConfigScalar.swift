/// Turns written texts into typed values.
///
/// What a text means depends on the wanted type alone.
enum ConfigScalar {
    /// A longer text is no setting.
    static let maximumBytes = 16 << 10

    /// A text as a value: null where it is one, otherwise a scalar.
    ///
    /// - Throws: `ConfigError` for what a shell or Hydra should have replaced (`${...}`), and for endless texts.
    static func value(
        _ text: String,
        quoted: Bool,
        key: String?,
        origin: ConfigOrigin
    ) throws(ConfigError) -> ConfigValue {
        guard text.utf8.count <= maximumBytes else {
            throw ConfigError("the value has more than \(maximumBytes) bytes", key: key, origin: origin)
        }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            guard byte != 0 else { throw ConfigError("the value has a NUL byte", key: key, origin: origin) }
            if previous == UInt8(ascii: "$"), byte == UInt8(ascii: "{") {
                throw ConfigError(
                    "contains '${': variables are not replaced here, write the value",
                    key: key,
                    origin: origin
                )
            }
            previous = byte
        }
        if !quoted, ["", "~", "null", "Null", "NULL"].contains(text) { return .null }
        return .scalar(text, quoted: quoted)
    }

    /// The integer that a text writes in decimal digits; nil when it is none or does not fit.
    static func integer(_ text: String) -> Int? {
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let signs = text.utf8.count - digits.count
        guard signs <= 1, !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// The finite number that a text writes in decimal; nil when it is none.
    ///
    /// `inf`, `nan` and `0x1p3` are none.
    static func number(_ text: String) -> Double? {
        let isDecimal = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        guard isDecimal, text.utf8.count <= 400, let number = Double(text), number.isFinite else { return nil }
        return number
    }

    /// The truth value that a text writes.
    ///
    /// `yes`, `on` and `1` are none: YAML versions disagree about them.
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }
}
