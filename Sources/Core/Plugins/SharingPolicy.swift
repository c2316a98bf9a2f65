/// How samples are shared among the instances of a plugin; the names are those of AMD's harness.
public enum SharingPolicy: Sendable, Equatable {
    /// One after another.
    case roundRobin
    /// The instance with the fewest samples under way.
    case shortestQueue
    /// The instance with the least load, which is its samples under way plus `weight` times their prompt tokens.
    ///
    /// With a `window` above 0 the tokens are those of the last so many samples that the instance was given, finished or
    /// not: that is what AMD's harness counts, with a weight of 0.02 and a window of 10.
    case shortestQueueWithTokens(weight: Double, window: Int)

    /// The name of the policy in a configuration.
    public var word: String {
        switch self {
        case .roundRobin: "round_robin"
        case .shortestQueue: "shortest_queue"
        case .shortestQueueWithTokens: "shortest_queue_with_tokens"
        }
    }

    /// Whether it asks for the tokens of each prompt.
    var countsTokens: Bool {
        if case .shortestQueueWithTokens = self { return true }
        return false
    }
}
