/// The sizes of a model that the cache and the scheduler need to know.
public struct ModelGeometry: Sendable {
    /// Layers that keep keys and values.
    public var layers: Int
    /// Heads of the queries.
    public var heads: Int
    /// Heads that keep keys and values.
    public var kvHeads: Int
    /// Elements of one head.
    public var headDimension: Int
    /// Rows of the embedding and width of the logits.
    public var vocabulary: Int
    /// Positions that the model was made for, prompt and generated tokens together.
    public var context: Int
    /// Bytes of the weights that are used where their files are mapped.
    ///
    /// They do not count against the device's free memory, and need it all the same. Weights in the device's own memory
    /// are not among these: its free memory is without them already.
    public var mappedWeightBytes: Int

    /// Sizes from a validated configuration.
    public init(
        layers: Int,
        heads: Int,
        kvHeads: Int,
        headDimension: Int,
        vocabulary: Int,
        context: Int,
        mappedWeightBytes: Int = 0
    ) {
        self.layers = layers
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDimension = headDimension
        self.vocabulary = vocabulary
        self.context = context
        self.mappedWeightBytes = mappedWeightBytes
    }
}
