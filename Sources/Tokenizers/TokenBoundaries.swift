/// What tells whether two tokens may stand side by side in an encoded text.
///
/// Merging takes the pair of the lowest rank anywhere in the text, so what happens inside a stretch that no merge crosses
/// is what would happen to the stretch alone. Two things follow. The tokens of a text are exactly the sequence that spells
/// it and in which every neighbouring two, merged alone, stay the two that they are: a merge that crossed a boundary first
/// would cross it in the two tokens alone as well. And whether two tokens stay is seen by undoing both from their common
/// boundary outwards, the later merge first: nothing crosses if no pair that stood at the boundary has a lower rank than
/// the merge that ended it.
///
/// The second needs tokens whose own merges happen in ascending rank, each above those of its parts, as merges learnt
/// from text do. A token that is made in another way is marked and its neighbourhood is merged for real.
struct TokenBoundaries: Sendable {
    /// How a token is made.
    ///
    /// The orders of tokens that are made regularly lie below the two constants.
    struct Token {
        /// One more than the rank of the last merge; 0 for a symbol.
        var order: UInt32
        var left: UInt32
        var right: UInt32

        /// Made, but not by ascending ranks.
        static let irregular = UInt32.max - 1
        /// Never made: merging its own text gives other tokens.
        static let never = UInt32.max
    }

    /// One merge of the vocabulary.
    struct Merge {
        var left: UInt32
        var right: UInt32
        var rank: UInt32
        var joined: UInt32
    }

    private(set) var tokens: [Token]
    let merges: MergeTable

    /// - Parameters:
    ///   - isSymbol: Which tokens are what text is made of before merging.
    ///   - list: The merges in ascending order of rank.
    ///   - merges: The same as a table, which decides where a pair occurs twice in the list.
    ///   - isMade: Whether merging the text of a token gives that token.
    init(isSymbol: [Bool], list: [Merge], merges: MergeTable, isMade: (UInt32) -> Bool) {
        self.merges = merges
        tokens = isSymbol.map { Token(order: $0 ? 0 : Token.never, left: 0, right: 0) }
        var isJoined = [Bool](repeating: false, count: isSymbol.count)
        merges.withLookup { lookup in
            tokens.withUnsafeMutableBufferPointer { tokens in
                guard let base = tokens.baseAddress else { return }
                for merge in list {
                    isJoined[Int(merge.joined)] = true
                    let order = merge.rank + 1
                    guard base[Int(merge.joined)].order == Token.never,
                        base[Int(merge.left)].order < order, base[Int(merge.right)].order < order,
                        UInt32(truncatingIfNeeded: lookup(merge.left, merge.right) >> 32) == merge.rank,
                        Self.isBoundary(merge.left, merge.right, base, lookup, skipsFirst: true)
                    else { continue }
                    base[Int(merge.joined)] = Token(order: order, left: merge.left, right: merge.right)
                }
            }
        }
        for index in tokens.indices where tokens[index].order == Token.never && isJoined[index] {
            if isMade(UInt32(truncatingIfNeeded: index)) { tokens[index].order = Token.irregular }
        }
    }

    /// Whether no merge crosses from `left` to `right`, two tokens that are not irregular.
    @inline(__always)
    static func isBoundary(
        _ left: UInt32,
        _ right: UInt32,
        _ tokens: UnsafePointer<Token>,
        _ lookup: MergeTable.Lookup,
        skipsFirst: Bool = false
    ) -> Bool {
        var left = left
        var right = right
        var leftToken = tokens[Int(left)]
        var rightToken = tokens[Int(right)]
        var limit = skipsFirst ? 0 : UInt32.max
        while true {
            // The rank of what does not join is the largest number, so it is never below the limit.
            if UInt32(truncatingIfNeeded: lookup(left, right) >> 32) < limit { return false }
            if leftToken.order > rightToken.order {
                // Of equal ranks the left one merges first, so the crossing pair needs a lower rank than the left token
                // and at most that of the right one.
                limit = leftToken.order - 1
                left = leftToken.right
                leftToken = tokens[Int(left)]
            } else if rightToken.order > 0 {
                limit = rightToken.order
                right = rightToken.left
                rightToken = tokens[Int(right)]
            } else {
                return true
            }
        }
    }
}
