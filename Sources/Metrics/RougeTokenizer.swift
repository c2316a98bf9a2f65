/// Turns text into the tokens of rouge_score 0.1.2, as numbers: two tokens are equal if and only if their numbers are.
///
/// A token is a run of ASCII letters and digits of the lower-cased text; of more than three characters it is replaced by
/// its stem.  Every other character parts tokens.
struct RougeTokenizer {
    /// Tokens with the lines of the text that they stand in.
    struct Tokens {
        /// The tokens of the whole text.
        var numbers: [Int32] = []
        /// Where each line that is not empty ends in `numbers`; a line may have no tokens.
        var lineEnds: [Int] = []
    }

    private let stemming: Bool
    private var stemmer = PorterStemmer()
    private var words = WordTable()
    private var stems = WordTable()
    private var stemOfWord: [Int32] = []
    private var word: [UInt8] = []

    /// Stems and words are remembered; beyond so many the memory is cleared, between two texts that are not compared.
    private static let mostWords = 1 << 18

    /// - Parameter stemming: Whether tokens are stemmed.
    init(stemming: Bool) { self.stemming = stemming }

    /// One more than the largest number given out.
    var count: Int { stems.count }

    /// Forgets words if they are many; numbers given out before mean nothing afterwards.
    mutating func makeRoom() {
        guard words.count > Self.mostWords else { return }
        words = WordTable()
        stems = WordTable()
        stemOfWord = []
    }

    /// The tokens of a text.
    ///
    /// - Parameters:
    ///   - text: UTF-8; bytes that are no character part tokens.
    ///   - tokens: Where they go; what it held is dropped.
    mutating func tokenize(_ text: UnsafeBufferPointer<UInt8>, into tokens: inout Tokens) {
        tokens.numbers.removeAll(keepingCapacity: true)
        tokens.lineEnds.removeAll(keepingCapacity: true)
        var lineIsEmpty = true
        var position = 0
        while position < text.count {
            let byte = text[position]
            let letter = Self.lowered[Int(byte)]
            if letter != 0 {
                word.append(letter)
            } else if byte == 0xE2, position + 2 < text.count, text[position + 1] == 0x84, text[position + 2] == 0xAA {
                // U+212A, the kelvin sign: Python lower-cases it to an ASCII k.
                word.append(UInt8(ascii: "k"))
                position += 2
            } else if byte == 0xC4, position + 1 < text.count, text[position + 1] == 0xB0 {
                // U+0130, I with a dot: Python lower-cases it to an ASCII i and a combining dot, which parts tokens.
                word.append(UInt8(ascii: "i"))
                endWord(&tokens)
                position += 1
            } else {
                endWord(&tokens)
                if byte == UInt8(ascii: "\n") {
                    if !lineIsEmpty { tokens.lineEnds.append(tokens.numbers.count) }
                    lineIsEmpty = true
                    position += 1
                    continue
                }
            }
            lineIsEmpty = false
            position += 1
        }
        endWord(&tokens)
        if !lineIsEmpty { tokens.lineEnds.append(tokens.numbers.count) }
    }

    /// The letters of a token.
    func letters(_ number: Int32) -> ArraySlice<UInt8> { stems.word(Int(number)) }

    private mutating func endWord(_ tokens: inout Tokens) {
        if word.isEmpty { return }
        let (number, isNew) = words.number(of: word)
        if isNew {
            if stemming, word.count > 3 { stemmer.stem(&word) }
            stemOfWord.append(Int32(stems.number(of: word).number))
        }
        tokens.numbers.append(stemOfWord[number])
        word.removeAll(keepingCapacity: true)
    }

    /// The lower-case letter or digit of an ASCII byte, else 0.
    private static let lowered: [UInt8] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): UInt8(byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt8(byte) + 32
        default: 0
        }
    }
}
