/// A pattern for the names of layers, as checkpoints use them: shell wildcards, or a regular expression behind `re:`.
///
/// Wildcards are those of Python's `fnmatch`: `*` any text, also dots, `?` one character, `[abc]`, `[a-z]`, `[!a]`. A
/// regular expression has to match at the start of the name, as Python's `re.match` does.
public struct NamePattern: Sendable, Equatable {
    let text: String

    /// A pattern as it stands in a configuration.
    public init(_ text: String) { self.text = text }

    /// What is wrong with the pattern, nil when nothing is.
    var fault: String? {
        guard text.hasPrefix("re:") else { return nil }
        do {
            _ = try Regex(String(text.dropFirst(3)))
            return nil
        } catch {
            return "\"\(text)\" is no regular expression that can be read"
        }
    }

    /// Whether a name fits the pattern; none fits one that cannot be read.
    public func matches(_ name: String) -> Bool {
        if text.hasPrefix("re:") {
            guard let expression = try? Regex(String(text.dropFirst(3))) else { return false }
            return name.prefixMatch(of: expression) != nil
        }
        return Self.matches(Array(text.unicodeScalars), Array(name.unicodeScalars))
    }

    /// Goes back to the last star alone, so that the time is at most the product of the lengths.
    private static func matches(_ pattern: [Unicode.Scalar], _ name: [Unicode.Scalar]) -> Bool {
        var p = 0
        var n = 0
        var afterStar: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == "*" {
                p += 1
                afterStar = (p, n)
                continue
            }
            if p < pattern.count, let next = step(pattern, p, name[n]) {
                p = next
                n += 1
                continue
            }
            guard let (restart, start) = afterStar else { return false }
            p = restart
            n = start + 1
            afterStar = (restart, n)
        }
        while p < pattern.count, pattern[p] == "*" { p += 1 }
        return p == pattern.count
    }

    /// The position behind the item at `position`, nil when it does not match the scalar.
    private static func step(_ pattern: [Unicode.Scalar], _ position: Int, _ scalar: Unicode.Scalar) -> Int? {
        switch pattern[position] {
        case "?": return position + 1
        case "[":
            var index = position + 1
            let isNegated = index < pattern.count && pattern[index] == "!"
            if isNegated { index += 1 }
            let first = index
            var isMember = false
            while index < pattern.count, pattern[index] != "]" || index == first {
                if index + 2 < pattern.count, pattern[index + 1] == "-", pattern[index + 2] != "]" {
                    isMember = isMember || pattern[index] <= scalar && scalar <= pattern[index + 2]
                    index += 3
                } else {
                    isMember = isMember || pattern[index] == scalar
                    index += 1
                }
            }
            // Without its end, a bracket is itself.
            guard index < pattern.count else { return scalar == "[" ? position + 1 : nil }
            return isMember != isNegated ? index + 1 : nil
        case scalar: return position + 1
        default: return nil
        }
    }
}
