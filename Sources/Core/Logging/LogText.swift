/// Text for logs whose readers take a line at a time and undo no escapes.
enum LogText {
    /// The text in one line, without what would break a quoted value: no official text holds any of it.
    static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            return text
        }
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line.append("'")
            case "\\": line.append("/")
            case _ where scalar.value < 0x20: line.append(" ")
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}
