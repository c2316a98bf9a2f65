/// Porter's stemmer as NLTK runs it by default, which is how rouge_score stems.
///
/// It is not quite the algorithm of 1980: NLTK's extensions add a few irregular words, treat short words more gently and
/// repeat a rule.  Words are lower-case ASCII letters and digits; a digit counts as a consonant.
struct PorterStemmer {
    private var word: [UInt8] = []

    /// Stems a word in place.
    ///
    /// - Parameter bytes: The word; its stem afterwards.
    mutating func stem(_ bytes: inout [UInt8]) {
        if bytes.count <= 2 { return }
        if let irregular = Self.irregular[bytes] {
            bytes = irregular
            return
        }
        swap(&word, &bytes)
        pluralEnding()
        pastEnding()
        finalY()
        doubleSuffix()
        apply(Self.step3)
        residualSuffix()
        finalE()
        if ends(with: "ll"), measure(word.count - 1) > 1 { word.removeLast() }
        swap(&word, &bytes)
    }

    private static let irregular: [[UInt8]: [UInt8]] = {
        let stems: [(String, [String])] = [
            ("sky", ["sky", "skies"]), ("die", ["dying"]), ("lie", ["lying"]), ("tie", ["tying"]), ("news", ["news"]),
            ("inning", ["innings", "inning"]), ("outing", ["outings", "outing"]),
            ("canning", ["cannings", "canning"]), ("howe", ["howe"]), ("proceed", ["proceed"]),
            ("exceed", ["exceed"]), ("succeed", ["succeed"]),
        ]
        var pool: [[UInt8]: [UInt8]] = [:]
        for (stem, words) in stems {
            for word in words { pool[Array(word.utf8)] = Array(stem.utf8) }
        }
        return pool
    }()

    // MARK: What the rules ask of a word

    private func ends(with suffix: StaticString) -> Bool {
        let length = suffix.utf8CodeUnitCount
        guard word.count >= length else { return false }
        for at in 0..<length where word[word.count - length + at] != suffix.utf8Start[at] { return false }
        return true
    }

    private static func isVowel(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "a"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "u"): true
        default: false
        }
    }

    /// A `y` is a consonant at the start and after a vowel.
    private func isConsonant(_ position: Int) -> Bool {
        var position = position
        var answer = true
        while word[position] == UInt8(ascii: "y") {
            if position == 0 { return answer }
            position -= 1
            answer.toggle()
        }
        return Self.isVowel(word[position]) != answer
    }

    /// How often a vowel is followed by a consonant in the first `length` letters.
    private func measure(_ length: Int) -> Int {
        var count = 0
        var afterVowel = false
        var wasConsonant = false
        for position in 0..<length {
            let letter = word[position]
            let consonant =
                letter == UInt8(ascii: "y") ? position == 0 || !wasConsonant : !Self.isVowel(letter)
            if consonant && afterVowel { count += 1 }
            afterVowel = !consonant
            wasConsonant = consonant
        }
        return count
    }

    private func hasVowel(_ length: Int) -> Bool { (0..<length).contains { !isConsonant($0) } }

    private func endsInDoubleConsonant() -> Bool {
        let last = word.count - 1
        return last >= 1 && word[last] == word[last - 1] && isConsonant(last)
    }

    /// Consonant, vowel, consonant other than w, x, y; of two letters, vowel and consonant (NLTK's extension).
    private func endsInShortSyllable(_ length: Int) -> Bool {
        if length == 2 { return !isConsonant(0) && isConsonant(1) }
        guard length >= 3, isConsonant(length - 3), !isConsonant(length - 2), isConsonant(length - 1) else {
            return false
        }
        switch word[length - 1] {
        case UInt8(ascii: "w"), UInt8(ascii: "x"), UInt8(ascii: "y"): return false
        default: return true
        }
    }

    private mutating func replace(_ length: Int, by replacement: StaticString) {
        word.removeLast(length)
        word.append(contentsOf: UnsafeBufferPointer(start: replacement.utf8Start, count: replacement.utf8CodeUnitCount))
    }

    // MARK: The steps

    private struct Rule {
        var suffix: StaticString
        var replacement: StaticString
        init(_ suffix: StaticString, _ replacement: StaticString) {
            self.suffix = suffix
            self.replacement = replacement
        }
    }

    /// The first rule whose suffix fits decides; it holds if the measure of the rest is not 0.
    private mutating func apply(_ rules: [Rule]) {
        for rule in rules where ends(with: rule.suffix) {
            let length = rule.suffix.utf8CodeUnitCount
            if measure(word.count - length) > 0 { replace(length, by: rule.replacement) }
            return
        }
    }

    /// Step 1a.
    private mutating func pluralEnding() {
        if ends(with: "ies"), word.count == 4 {
            replace(3, by: "ie")
        } else if ends(with: "sses") {
            replace(4, by: "ss")
        } else if ends(with: "ies") {
            replace(3, by: "i")
        } else if ends(with: "s"), !ends(with: "ss") {
            word.removeLast()
        }
    }

    /// Step 1b.
    private mutating func pastEnding() {
        if ends(with: "ied") {
            replace(3, by: word.count == 4 ? "ie" : "i")
            return
        }
        if ends(with: "eed") {
            if measure(word.count - 3) > 0 { word.removeLast() }
            return
        }
        if ends(with: "ed"), hasVowel(word.count - 2) {
            word.removeLast(2)
        } else if ends(with: "ing"), hasVowel(word.count - 3) {
            word.removeLast(3)
        } else {
            return
        }
        if ends(with: "at") || ends(with: "bl") || ends(with: "iz") {
            word.append(UInt8(ascii: "e"))
        } else if endsInDoubleConsonant() {
            switch word[word.count - 1] {
            case UInt8(ascii: "l"), UInt8(ascii: "s"), UInt8(ascii: "z"): break
            default: word.removeLast()
            }
        } else if measure(word.count) == 1, endsInShortSyllable(word.count) {
            word.append(UInt8(ascii: "e"))
        }
    }

    /// Step 1c.
    private mutating func finalY() {
        let last = word.count - 1
        if last >= 2, word[last] == UInt8(ascii: "y"), isConsonant(last - 1) { word[last] = UInt8(ascii: "i") }
    }

    /// Step 2.
    private mutating func doubleSuffix() {
        // NLTK runs the step again on what is left of -alli; each time the word is shorter.
        while ends(with: "alli"), measure(word.count - 4) > 0 { word.removeLast(2) }
        if ends(with: "logi"), !Self.step2.contains(where: { ends(with: $0.suffix) }) {
            // The measure is that of the word without its last three letters, the l included.
            if measure(word.count - 3) > 0 { word.removeLast() }
            return
        }
        apply(Self.step2)
    }

    private static let step2 = [
        Rule("ational", "ate"), Rule("tional", "tion"), Rule("enci", "ence"), Rule("anci", "ance"),
        Rule("izer", "ize"), Rule("bli", "ble"), Rule("alli", "al"), Rule("entli", "ent"), Rule("eli", "e"),
        Rule("ousli", "ous"), Rule("ization", "ize"), Rule("ation", "ate"), Rule("ator", "ate"), Rule("alism", "al"),
        Rule("iveness", "ive"), Rule("fulness", "ful"), Rule("ousness", "ous"), Rule("aliti", "al"),
        Rule("iviti", "ive"), Rule("biliti", "ble"), Rule("fulli", "ful"),
    ]

    private static let step3 = [
        Rule("icate", "ic"), Rule("ative", ""), Rule("alize", "al"), Rule("iciti", "ic"), Rule("ical", "ic"),
        Rule("ful", ""), Rule("ness", ""),
    ]

    private static let step4: [StaticString] = [
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
        "iti", "ous", "ive", "ize",
    ]

    /// Step 4.
    private mutating func residualSuffix() {
        for suffix in Self.step4 where ends(with: suffix) {
            let length = word.count - suffix.utf8CodeUnitCount
            guard measure(length) > 1 else { return }
            if ends(with: "ion"), word[length - 1] != UInt8(ascii: "s"), word[length - 1] != UInt8(ascii: "t") {
                return
            }
            word.removeLast(suffix.utf8CodeUnitCount)
            return
        }
    }

    /// Step 5a.
    private mutating func finalE() {
        guard ends(with: "e") else { return }
        let length = word.count - 1
        let measure = measure(length)
        if measure > 1 || measure == 1 && !endsInShortSyllable(length) { word.removeLast() }
    }
}
