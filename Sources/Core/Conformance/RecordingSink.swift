import CPluginAPI
import Synchronization

/// A nit-picking receiver of results: keeps everything, and notes every breach of the rules of completion.
final class RecordingSink: ResponseSink, @unchecked Sendable {
    /// What is known of one issued sample.
    struct Record {
        var index: UInt64
        var firstToken: [UInt8]?
        var status: mlp_status?
        var data: [UInt8] = []
        var tokenCount: UInt64 = 0
    }

    private struct State {
        var records: [UInt64: Record] = [:]
        var outstanding = 0
        var breaches: [String] = []
        var nextSlot: UInt64 = 0
    }

    private let state = Mutex(State())
    private let progress = Semaphore()
    private static let lastGeneration = Atomic<UInt32>(0x5EED)
    /// Ids are never used twice in a process.
    private let generation = RecordingSink.lastGeneration.wrappingAdd(1, ordering: .relaxed).newValue

    /// New ids for samples about to be issued.
    func willIssue(_ indices: [UInt64]) -> [IssuedSample] {
        state.withLock { state in
            indices.map { index in
                state.nextSlot += 1
                let id = UInt64(generation) << 32 | state.nextSlot
                state.records[id] = Record(index: index)
                state.outstanding += 1
                return IssuedSample(id: id, index: index)
            }
        }
    }

    var breaches: [String] { state.withLock { $0.breaches } }
    var outstandingCount: Int { state.withLock { $0.outstanding } }
    func record(of id: UInt64) -> Record? { state.withLock { $0.records[id] } }

    /// Waits until every sample has completed.
    func waitForAll(within seconds: Double) -> Bool {
        let deadline = monotonicNanoseconds() &+ UInt64(seconds * 1e9)
        while outstandingCount > 0 {
            if !progress.wait(until: deadline) { return outstandingCount == 0 }
        }
        return true
    }

    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        each(results, count, "first_token") { state, result, data in
            guard var record = state.records[result.id] else { return mlp_status(MLP_UNKNOWN_SAMPLE) }
            if record.status != nil { return mlp_status(MLP_ALREADY_COMPLETE) }
            if record.firstToken != nil { return mlp_status(MLP_INVALID_STATE) }
            record.firstToken = data
            state.records[result.id] = record
            return mlp_status(MLP_OK)
        }
    }

    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        let status = each(results, count, "complete") { state, result, data in
            guard var record = state.records[result.id] else { return mlp_status(MLP_UNKNOWN_SAMPLE) }
            if record.status != nil { return mlp_status(MLP_ALREADY_COMPLETE) }
            record.status = result.status
            record.data = data
            record.tokenCount = result.token_count
            state.records[result.id] = record
            state.outstanding -= 1
            return mlp_status(MLP_OK)
        }
        progress.signal()
        return status
    }

    private func each(
        _ results: UnsafePointer<mlp_result>?,
        _ count: UInt64,
        _ call: String,
        _ body: (inout State, mlp_result, [UInt8]) -> mlp_status
    ) -> mlp_status {
        guard count > 0 else { return mlp_status(MLP_OK) }
        return state.withLock { state in
            guard let results else {
                state.breaches.append("\(call): a batch of \(count) results at NULL")
                return mlp_status(MLP_INVALID_ARGUMENT)
            }
            var first = mlp_status(MLP_OK)
            for result in UnsafeBufferPointer(start: results, count: Int(clamping: count)) {
                var status: mlp_status
                if !result.data.isReadable {
                    status = mlp_status(MLP_INVALID_ARGUMENT)
                    state.breaches.append("\(call): a result of \(result.data.size) bytes at NULL")
                } else {
                    let data = Array(UnsafeRawBufferPointer(start: result.data.data, count: Int(result.data.size)))
                    status = body(&state, result, data)
                    if status != mlp_status(MLP_OK) {
                        state.breaches.append("\(call): sample id \(result.id): \(statusName(status))")
                    }
                }
                if first == mlp_status(MLP_OK) { first = status }
            }
            return first
        }
    }
}
