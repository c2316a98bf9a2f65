/// Bounds that keep a hostile file from using unbounded memory or time.
///
/// The largest published vocabularies have about 260,000 entries and pieces of a few hundred bytes.
enum TokenizerLimits {
    /// Ids at or above this are refused.
    static let vocabulary = 1 << 22

    /// Bytes in one piece.
    static let pieceBytes = 4096

    /// Bytes in one tokenizer file.
    static let fileBytes = 128 << 20

    /// Pairs in a merge table.
    static let merges = 1 << 24

    /// Symbols in one text: positions inside the merge queue are 32 bits wide.
    static let symbols = Int(Int32.max)
}
