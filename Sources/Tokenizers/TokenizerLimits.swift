/// Bounds that keep a hostile file from using unbounded memory or time.
///
/// The largest published vocabularies have about 260,000 entries and pieces of a few hundred bytes.
enum TokenizerLimits {
    /// Ids at or above this are refused.
    static let vocabulary = 1 << 22

    /// Bytes in one piece.
    static let pieceBytes = 4096

    /// Steps of a normaliser.
    static let replacements = 64

    /// How many times longer the steps of a normaliser may make a text, all together.
    static let growth = 256

    /// Bytes of all tokens as they are decoded, and of all added tokens as they are normalised; far below the 2^32 that
    /// positions among them are counted in.
    static let tokenBytes = 512 << 20

    /// Bytes in one tokenizer file.
    static let fileBytes = 128 << 20

    /// Pairs in a merge table.
    static let merges = 1 << 24

    /// Symbols in one text: positions inside the merge queue are 32 bits wide.
    static let symbols = Int(Int32.max)
}
