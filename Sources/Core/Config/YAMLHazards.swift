/// What is refused before the YAML parser sees a text, because the parser would answer with a riddle, with exponential
/// work, or with a recursion that a small stack does not hold.
///
/// It looks at bytes alone, quotes and comments included: telling those apart takes the parser, which is too late. The
/// bounds are far from what a configuration needs.
struct YAMLHazards {
    /// Opening brackets and braces in a whole text: each may nest two levels.
    static let maximumBrackets = 256
    /// Spaces at the start of a line: each may nest two levels.
    static let maximumIndentation = 64
    /// Marks of lists and keys (`- `, `? `) in one line: each nests a level.
    static let maximumMarksInLine = 16

    private var line = 1
    private var indentation: Int? = 0
    private var brackets = 0
    private var marks = 0
    private var anchorLine: Int?
    private var aliasLine: Int?
    private var beforeLast: UInt8 = 0
    private var last = UInt8(ascii: "\n")

    /// The first hazard of a text, with its line; nil when there is none.
    static func first(in text: String) -> (line: Int, reason: String)? {
        var scan = YAMLHazards()
        for byte in text.utf8 {
            if let reason = scan.reason(toRefuse: byte) { return (scan.line, reason) }
        }
        // A text with either alone is refused when it has been read.
        guard let anchorLine = scan.anchorLine, scan.aliasLine != nil else { return nil }
        return (anchorLine, anchorReason)
    }

    static let anchorReason = "has a YAML anchor (&name) or alias (*name); write the value out"

    private mutating func reason(toRefuse byte: UInt8) -> String? {
        defer { last = byte }
        switch byte {
        case 0:
            return "contains a NUL byte"
        case UInt8(ascii: "\n"):
            line += 1
            startLine()
        case UInt8(ascii: "\r"):
            startLine()
        case 0x85 where last == 0xC2, 0xA8 where last == 0x80, 0xA9 where last == 0x80:
            // The second halves of U+0085, U+2028 and U+2029, which YAML counts as ends of lines.
            startLine()
        case UInt8(ascii: " "):
            return reasonToRefuseSpace()
        case UInt8(ascii: "\t"):
            if indentation != nil { return "is indented with a tab; YAML wants spaces" }
            return reasonToRefuseSpace()
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            indentation = nil
            brackets += 1
            if brackets > Self.maximumBrackets { return "has more than \(Self.maximumBrackets) brackets" }
        default:
            indentation = nil
            guard isNameByte(byte) else { break }
            if last == UInt8(ascii: "&") { anchorLine = anchorLine ?? line }
            if last == UInt8(ascii: "*") { aliasLine = aliasLine ?? line }
        }
        return nil
    }

    private mutating func startLine() {
        indentation = 0
        marks = 0
    }

    private mutating func reasonToRefuseSpace() -> String? {
        if let spaces = indentation {
            indentation = spaces + 1
            if spaces >= Self.maximumIndentation { return "is indented by more than \(Self.maximumIndentation) spaces" }
        } else if last == UInt8(ascii: "-") || last == UInt8(ascii: "?") {
            marks += 1
            if marks > Self.maximumMarksInLine {
                return "has more than \(Self.maximumMarksInLine) list marks in a line"
            }
        }
        return nil
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
