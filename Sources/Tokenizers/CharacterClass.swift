/// What the word patterns ask about a code point, from its general category and White_Space property in Unicode 16.
struct CharacterClass: OptionSet, Sendable {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Lu and Lt.
    static let upper = CharacterClass(rawValue: 1)
    /// Ll.
    static let lower = CharacterClass(rawValue: 2)
    /// Lm and Lo.
    static let caseless = CharacterClass(rawValue: 4)
    /// Mn, Mc and Me.
    static let mark = CharacterClass(rawValue: 8)
    /// Nd, Nl and No.
    static let number = CharacterClass(rawValue: 16)
    /// White_Space.
    static let space = CharacterClass(rawValue: 32)
    /// CR and LF, which are also spaces.
    static let newline = CharacterClass(rawValue: 64)

    static let letter: CharacterClass = [.upper, .lower, .caseless]

    /// Where the table ends: the planes above hold only ideographs and tags, see `init(of:)`.
    static let tableEnd: UInt32 = 0x30000

    /// The class of every code point below ``tableEnd``.
    static let table: [UInt8] = (0..<tableEnd).map { CharacterClass(computing: $0).rawValue }

    /// Looks up the class of a code point.
    @inline(__always)
    init(of codePoint: UInt32) {
        if codePoint < Self.tableEnd {
            self.init(rawValue: Self.table[Int(codePoint)])
        } else {
            self.init(computing: codePoint)
        }
    }

    // The version of Unicode that tokenizers 0.23 matches by. Later characters count as unassigned, so that the ids of a
    // text do not depend on which Unicode the Swift runtime knows.
    private static let unicodeMajorVersion = 16

    private init(computing codePoint: UInt32) {
        guard let scalar = Unicode.Scalar(codePoint),
            let age = scalar.properties.age, age.major <= Self.unicodeMajorVersion
        else {
            self = []
            return
        }
        var result: CharacterClass
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter: result = .upper
        case .lowercaseLetter: result = .lower
        case .modifierLetter, .otherLetter: result = .caseless
        case .nonspacingMark, .spacingMark, .enclosingMark: result = .mark
        case .decimalNumber, .letterNumber, .otherNumber: result = .number
        default: result = []
        }
        if scalar.properties.isWhitespace { result.insert(.space) }
        if codePoint == 0x0A || codePoint == 0x0D { result.insert(.newline) }
        self = result
    }
}
