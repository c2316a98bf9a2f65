/// The BPE model of a tokenizer.json: turns words into ids.
struct BytePairWords: Sendable {
    private enum Method: Sendable {
        case encoder(BytePairEncoder)
        case merging(MergedWords)
    }

    private let method: Method
    /// Tokens by their text in the file.
    private let vocabulary: PieceTable

    init(encoder: BytePairEncoder, vocabulary: PieceTable) {
        method = .encoder(encoder)
        self.vocabulary = vocabulary
    }

    init(merging: MergedWords, vocabulary: PieceTable) {
        method = .merging(merging)
        self.vocabulary = vocabulary
    }

    func id(of token: [UInt8]) -> UInt32? {
        let id = vocabulary.id(of: token)
        return id == PieceTable.none ? nil : id
    }

    /// Calls `body` with what appends the ids of a word, which must be valid UTF-8, to those of the buffers.
    @inline(__always)
    func encode(_ buffers: EncodingBuffers, _ body: ((UnsafeBufferPointer<UInt8>) -> Void) -> Void) {
        switch method {
        case .encoder(let encoder):
            encoder.withRun(buffers) { run in body { run.encode($0) } }
        case .merging(let words):
            body { words.encode($0, buffers) }
        }
    }
}
