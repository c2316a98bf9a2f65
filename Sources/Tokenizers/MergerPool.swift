import Synchronization

/// Lends each encoding thread a ``PairMerger``, so that buffers and cached words outlive a call.
final class MergerPool: Sendable {
    private struct Idle: ~Copyable, @unchecked Sendable {
        // Reached under the lock only; a merger taken out belongs to one caller until it comes back.
        var mergers: [PairMerger] = []
    }

    // More than this many idle mergers would hold memory for a burst of threads that is over.
    private static let limit = 64

    private let idle = Mutex(Idle())

    func withMerger<Result>(_ body: (PairMerger) throws -> Result) rethrows -> Result {
        let box = idle.withLock { Box($0.mergers.popLast()) }
        let merger = box.merger ?? PairMerger()
        defer {
            let returned = Box(merger)
            idle.withLock { idle in
                if idle.mergers.count < Self.limit, let merger = returned.merger { idle.mergers.append(merger) }
            }
        }
        return try body(merger)
    }

    private struct Box: @unchecked Sendable {
        let merger: PairMerger?

        init(_ merger: PairMerger?) { self.merger = merger }
    }
}
