/// Text on its way into the page.
enum Markup {
    /// A text as it may stand between tags and within quoted attributes.
    ///
    /// Characters that XML forbids and those that turn the direction of writing, with which a name could disguise itself,
    /// become U+FFFD.
    static func escape(_ text: some StringProtocol) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}",
                "\u{2066}"..."\u{2069}", "\u{FFFE}", "\u{FFFF}":
                result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// An escaped text of at most `limit` characters, with an ellipsis where it was cut.
    static func escape(_ text: String, limit: Int) -> String {
        guard text.count > limit else { return escape(text) }
        return escape(text.prefix(limit)) + "…"
    }

    /// A number for readers, with the exact one for programs and for those who point at it.
    static func data(_ shown: String, exact: String) -> String {
        "<data value=\"\(exact)\" title=\"\(exact)\">\(escape(shown))</data>"
    }
}
