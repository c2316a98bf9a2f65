/// The added tokens of a tokenizer.json: texts that are one token wherever they stand.
struct AddedTokens: Sendable {
    private var ids: [[UInt8]: UInt32] = [:]
    // Tokens of the text as it is, and tokens of the normalised text; each with and without the special ones.
    private var rawAll = AddedTokenMatcher()
    private var rawPlain = AddedTokenMatcher()
    private var normalizedAll = AddedTokenMatcher()
    private var normalizedPlain = AddedTokenMatcher()

    mutating func insert(_ token: AddedTokenMatcher.Token, name: [UInt8], isSpecial: Bool, isNormalized: Bool) {
        ids[name] = token.id
        if isNormalized {
            normalizedAll.insert(token)
            if !isSpecial { normalizedPlain.insert(token) }
        } else {
            rawAll.insert(token)
            if !isSpecial { rawPlain.insert(token) }
        }
    }

    func id(of name: [UInt8]) -> UInt32? { ids[name] }

    func raw(_ withSpecialTokens: Bool) -> AddedTokenMatcher { withSpecialTokens ? rawAll : rawPlain }

    func normalized(_ withSpecialTokens: Bool) -> AddedTokenMatcher {
        withSpecialTokens ? normalizedAll : normalizedPlain
    }
}
