import CPluginAPI
import PluginAPI

/// Results of a step, handed to the host in two calls: first tokens, then completions.
final class ResultBatch {
    private let samples: Samples
    private let capacity: Int
    private let first: UnsafeMutablePointer<mlp_result>
    private let complete: UnsafeMutablePointer<mlp_result>
    private var firstCount = 0
    private var completeCount = 0

    init(samples: Samples, capacity: Int) {
        self.samples = samples
        self.capacity = capacity
        first = .allocate(capacity: capacity)
        complete = .allocate(capacity: capacity)
    }

    deinit {
        first.deallocate()
        complete.deallocate()
    }

    /// A sample's first token; the memory stays valid until `flush`.
    func addFirstToken(_ id: mlp_sample_id, _ token: UnsafePointer<Int32>) {
        if firstCount == capacity { flush() }
        first[firstCount] = mlp_result(
            id: id,
            status: .ok,
            reserved: 0,
            data: mlp_bytes(data: token, size: UInt64(MemoryLayout<Int32>.size)),
            token_count: 1
        )
        firstCount += 1
    }

    /// A sample's end; the tokens stay valid until `flush`.
    func addCompletion(_ id: mlp_sample_id, status: mlp_status, tokens: UnsafePointer<Int32>?, count: Int) {
        if completeCount == capacity { flush() }
        complete[completeCount] = mlp_result(
            id: id,
            status: status,
            reserved: 0,
            data: mlp_bytes(data: tokens, size: UInt64(count * MemoryLayout<Int32>.size)),
            token_count: UInt64(count)
        )
        completeCount += 1
    }

    /// Reports what was added.
    ///
    /// The host counts results that it refuses; they are no affair of the engine's.
    func flush() {
        if firstCount > 0 { samples.firstToken(UnsafeBufferPointer(start: first, count: firstCount)) }
        firstCount = 0
        if completeCount > 0 { samples.complete(UnsafeBufferPointer(start: complete, count: completeCount)) }
        completeCount = 0
    }
}
