/// How the engine generates: what ends a sample, and how much is computed at once.
///
/// Nothing here changes a sample's tokens except `maxNewTokens`, `minNewTokens`, the end-of-sequence rule and
/// `cacheType`.
public struct GenerationOptions: Sendable {
    /// Tokens generated for a sample at most.
    public var maxNewTokens: Int
    /// Before this many tokens, no end-of-sequence token is chosen.
    public var minNewTokens: Int
    /// Tokens that end a sample and are its last token; empty to go on until `maxNewTokens`.
    public var endTokens: [Int32]
    /// Positions in one page of the cache.
    public var pageSize: Int
    /// Positions that the cache holds for all sequences together; 0 to derive it from `maxBatch` and the context.
    public var cacheTokens: Int
    /// How the cache holds keys and values; it changes results, as every rounding does.
    public var cacheType: KVCacheType
    /// Sequences in flight at once.
    public var maxBatch: Int
    /// Prompt positions computed in one step at most; a step also computes one position for every sequence that decodes.
    public var prefillChunk: Int
    /// Steps that the device has been given at once, 1 or 2; nil for 1 on a CPU and 2 on a GPU.
    ///
    /// With 2 the host plans a step while the device computes the one before it, and computes a row too many for each
    /// sequence that an end token ends.
    public var stepsInFlight: Int?

    /// Options from their parts.
    public init(
        maxNewTokens: Int,
        minNewTokens: Int,
        endTokens: [Int32],
        pageSize: Int,
        cacheTokens: Int,
        cacheType: KVCacheType = .float32,
        maxBatch: Int,
        prefillChunk: Int,
        stepsInFlight: Int? = nil
    ) {
        self.maxNewTokens = maxNewTokens
        self.minNewTokens = minNewTokens
        self.endTokens = endTokens
        self.pageSize = pageSize
        self.cacheTokens = cacheTokens
        self.cacheType = cacheType
        self.maxBatch = maxBatch
        self.prefillChunk = prefillChunk
        self.stepsInFlight = stepsInFlight
    }

    /// Rows of the largest step: while others decode, a whole chunk still finds room beside them.
    var rowCapacity: Int { prefillChunk + maxBatch - 1 }
}
