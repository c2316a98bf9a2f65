import PluginAPI

/// The prompts of a data set as token ids, one after another in memory that does not move.
final class PromptStore {
    private let tokens: UnsafeMutableBufferPointer<Int32>
    private let starts: [Int]

    /// Copies the prompts of a builder.
    init(_ builder: PromptBuilder) {
        tokens = .allocate(capacity: max(1, builder.tokens.count))
        _ = tokens.initialize(from: builder.tokens)
        starts = builder.starts + [builder.tokens.count]
    }

    deinit { tokens.deallocate() }

    /// How many prompts there are.
    var count: Int { starts.count - 1 }

    /// The ids of a prompt; they live as long as the store.
    subscript(index: Int) -> UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(rebasing: tokens[starts[index]..<starts[index + 1]])
    }
}

/// Collects prompts and refuses those that no run could use.
struct PromptBuilder {
    /// One more than the largest id that the model knows, if that is known here.
    let vocabulary: Int?
    /// Positions of the model, prompt and generated tokens together, if they are known here.
    let context: Int?

    fileprivate private(set) var tokens: [Int32] = []
    fileprivate private(set) var starts: [Int] = []

    /// No prompts yet.
    init(vocabulary: Int?, context: Int?) {
        self.vocabulary = vocabulary
        self.context = context
    }

    /// Adds a prompt.
    ///
    /// - Parameters:
    ///   - ids: Its token ids.
    ///   - place: File and line or number, for the error.
    /// - Throws: `PluginError` when it is empty, too long, or has an id that is no token.
    mutating func append(_ ids: some Collection<Int>, at place: @autoclosure () -> String) throws {
        guard !ids.isEmpty else { throw PluginError(.ioError, "\(place()): the prompt has no token") }
        if let context, ids.count >= context {
            throw PluginError(
                .ioError,
                """
                \(place()): the prompt of \(ids.count) tokens leaves no room to generate in the model's context of \
                \(context) (config.json: max_position_embeddings)
                """
            )
        }
        let limit = min(vocabulary ?? Int.max, Int(Int32.max))
        starts.append(tokens.count)
        for (position, id) in ids.enumerated() {
            guard id >= 0, id < limit else {
                throw PluginError(
                    .ioError,
                    "\(place()): token \(position) is \(id), beyond the vocabulary of \(limit)"
                )
            }
            tokens.append(Int32(id))
        }
    }

    /// The prompts.
    ///
    /// - Parameter source: The data set, for the error.
    /// - Returns: A store of them.
    /// - Throws: `PluginError` when there are none.
    func finish(_ source: String) throws -> PromptStore {
        guard !starts.isEmpty else { throw PluginError(.ioError, "\(source): the data set is empty") }
        return PromptStore(self)
    }
}
