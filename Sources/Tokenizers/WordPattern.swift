/// The regular expressions by which published byte-level tokenizers cut text into words before merging.
///
/// Each is matched by hand-written code; a tokenizer.json with any other expression is refused.
enum WordPattern: CaseIterable, Sendable {
    /// Llama 3, and GPT-4's cl100k in its non-possessive spelling.
    case llama3
    /// GPT-4o's and gpt-oss's o200k.
    case o200k

    /// The expression as it stands in tokenizer.json.
    var expression: String {
        switch self {
        case .llama3:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
                + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .o200k:
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#
                + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
                + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
    }

    /// The pattern with this expression, compared byte by byte.
    init?(expression: String) {
        guard let match = Self.allCases.first(where: { $0.expression.utf8.elementsEqual(expression.utf8) }) else {
            return nil
        }
        self = match
    }

    /// Calls `body` with each word of `text`, which must be valid UTF-8, from left to right; the words cover the text.
    @inline(__always)
    func forEachWord(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
        guard let base = text.baseAddress else { return }
        CharacterClass.table.withUnsafeBufferPointer { classes in
            guard let classes = classes.baseAddress else { return }
            let scanner = WordScanner(bytes: base, end: text.count, classes: classes)
            var start = 0
            while start < text.count {
                let end = self == .llama3 ? scanner.llama3Word(from: start) : scanner.o200kWord(from: start)
                body(start..<end)
                start = end
            }
        }
    }
}

/// Matches one word at a position.
///
/// The alternatives are tried in the order of the expression, with the result a backtracking engine would find. Every
/// code point belongs to some alternative, so a word is never empty.
private struct WordScanner {
    let bytes: UnsafePointer<UInt8>
    let end: Int
    /// ``CharacterClass/table``.
    let classes: UnsafePointer<UInt8>

    /// The class and length of the code point at `position`; length 0 at the end.
    @inline(__always)
    private func peek(_ position: Int) -> (kind: CharacterClass, length: Int) {
        if position >= end { return ([], 0) }
        if bytes[position] < 0x80 { return (CharacterClass(rawValue: classes[Int(bytes[position])]), 1) }
        guard case .scalar(let value, let length) = UTF8Sequence(bytes, at: position, end: end) else { return ([], 1) }
        if value < CharacterClass.tableEnd { return (CharacterClass(rawValue: classes[Int(value)]), length) }
        return (CharacterClass(of: value), length)
    }

    /// The end of the longest run of code points that have some of `wanted`.
    @inline(__always)
    private func run(of wanted: CharacterClass, from start: Int) -> Int {
        var position = start
        while true {
            let (kind, length) = peek(position)
            if kind.isDisjoint(with: wanted) { return position }
            position += length
        }
    }

    func llama3Word(from start: Int) -> Int {
        let contraction = contractionEnd(start)
        if contraction > start { return contraction }
        let (kind, length) = peek(start)
        let letters = kind.isDisjoint(with: [.letter, .newline, .number]) ? start + length : start
        let lettersEnd = run(of: .letter, from: letters)
        if lettersEnd > letters { return lettersEnd }
        if kind.contains(.number) { return numberEnd(start) }
        let punctuation = punctuationEnd(start)
        if punctuation > start { return run(of: .newline, from: punctuation) }
        return spacesEnd(start)
    }

    func o200kWord(from start: Int) -> Int {
        let (kind, length) = peek(start)
        let hasPrefix = kind.isDisjoint(with: [.letter, .newline, .number])
        let word = hasPrefix ? start + length : start
        var wordEnd = lowerWordEnd(word)
        if wordEnd > word { return max(wordEnd, contractionEnd(wordEnd)) }
        // The optional prefix is given back; what it took can be part of the word only if it is a mark.
        if hasPrefix, kind.contains(.mark) {
            wordEnd = lowerWordEnd(start)
            return max(wordEnd, contractionEnd(wordEnd))
        }
        let upperEnd = run(of: [.upper, .caseless, .mark], from: word)
        if upperEnd > word {
            wordEnd = run(of: [.lower, .caseless, .mark], from: upperEnd)
            return max(wordEnd, contractionEnd(wordEnd))
        }
        if kind.contains(.number) { return numberEnd(start) }
        var punctuation = punctuationEnd(start)
        if punctuation > start {
            while punctuation < end, [0x0A, 0x0D, 0x2F].contains(bytes[punctuation]) { punctuation += 1 }
            return punctuation
        }
        return spacesEnd(start)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`: the end of the match, or `start` if there is none.
    private func lowerWordEnd(_ start: Int) -> Int {
        var position = start
        // The end of the last code point that both sets contain: where the first, greedy set gives back to.
        var lastShared = start
        while true {
            let (kind, length) = peek(position)
            if kind.isDisjoint(with: [.upper, .caseless, .mark]) { break }
            position += length
            if !kind.isDisjoint(with: [.caseless, .mark]) { lastShared = position }
        }
        let end = run(of: [.lower, .caseless, .mark], from: position)
        return end > position ? end : lastShared
    }

    /// The end of a match of `(?i:'s|'t|'re|'ve|'m|'ll|'d)`, or `start`.
    ///
    /// U+017F folds to s.
    private func contractionEnd(_ start: Int) -> Int {
        guard start + 1 < end, bytes[start] == UInt8(ascii: "'") else { return start }
        let first = bytes[start + 1]
        let second = start + 2 < end ? bytes[start + 2] : 0
        switch first | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return second | 0x20 == UInt8(ascii: "e") ? start + 3 : start
        case UInt8(ascii: "l"):
            return second | 0x20 == UInt8(ascii: "l") ? start + 3 : start
        default:
            return first == 0xC5 && second == 0xBF ? start + 3 : start
        }
    }

    /// `\p{N}{1,3}` where there is at least one.
    private func numberEnd(_ start: Int) -> Int {
        var position = start
        for _ in 0..<3 {
            let (kind, length) = peek(position)
            if !kind.contains(.number) { break }
            position += length
        }
        return position
    }

    /// ` ?[^\s\p{L}\p{N}]+`, or `start`.
    private func punctuationEnd(_ start: Int) -> Int {
        let first = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
        var position = first
        while position < end {
            let (kind, length) = peek(position)
            if !kind.isDisjoint(with: [.letter, .number, .space]) { break }
            position += length
        }
        return position > first ? position : start
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+` at a space.
    private func spacesEnd(_ start: Int) -> Int {
        var position = start
        var afterNewline = start
        var beforeLast = start
        while true {
            let (kind, length) = peek(position)
            if !kind.contains(.space) { break }
            beforeLast = position
            position += length
            if kind.contains(.newline) { afterNewline = position }
        }
        if afterNewline > start { return afterNewline }
        // The last space goes with the word that follows it, unless it is the only one.
        return position < end && beforeLast > start ? beforeLast : position
    }
}
