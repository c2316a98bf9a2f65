import CPluginAPI
import Kernels
import PluginAPI

/// The recordings of a model's step, one for each row bucket.
///
/// A recording copies the step's inputs to the device, runs the model, chooses the tokens and copies them back. A step
/// of n rows replays the smallest bucket that has room for them; rows beyond n do nothing.
final class StepRecorder {
    private struct Bucket {
        var rows: Int
        var recording: Recording
    }

    private let buckets: UnsafeMutableBufferPointer<Bucket>
    private let devices: Devices
    private let launcher: Launcher
    private let stream: Stream
    private let vocabulary: Int
    /// On the device: the logits of the step replayed last, float32 `[logit rows, vocabulary]`.
    private let logits: UnsafePointer<Float>
    /// Pinned: one row of them.
    private let row: UnsafeMutablePointer<Float>

    /// Records a bucket for every power of two up to the capacity, and for the capacity.
    init(
        model: any CausalLanguageModel,
        inputs: StepInputs,
        cache: PagedKVCache,
        backend: podium_backend,
        devices: Devices,
        launcher: Launcher,
        stream: Stream,
        memory: DeviceMemory
    ) throws {
        self.devices = devices
        self.launcher = launcher
        self.stream = stream
        try model.allocateActivations(in: memory, rows: inputs.rowCapacity, logitRows: inputs.logitCapacity)
        vocabulary = model.geometry.vocabulary
        row = try memory.allocatePinned(Float.self, vocabulary, purpose: "a row of logits")
        var recorded: [Bucket] = []
        var logits: UnsafePointer<Float>?
        do {
            for rows in Self.sizes(upTo: inputs.rowCapacity) {
                let step = StepRecording(
                    backend: backend,
                    maxRows: rows,
                    maxLogitRows: min(rows, inputs.logitCapacity),
                    inputs: inputs,
                    cache: cache,
                    launcher: launcher,
                    stream: stream
                )
                let recording = try launcher.record(stream) {
                    try devices.copy(
                        stream,
                        to: inputs.device,
                        from: inputs.staged,
                        byteCount: inputs.count * MemoryLayout<Int32>.stride
                    )
                    let stepLogits = try model.record(step)
                    logits = stepLogits
                    try step.launch(
                        PODIUM_ARGMAX,
                        podium_grid_argmax(backend, Int32(step.maxLogitRows)),
                        .pointer(inputs.chosenOnDevice),
                        .pointer(stepLogits),
                        .pointer(inputs.liveLogits),
                        .size(step.maxLogitRows),
                        .size(model.geometry.vocabulary)
                    )
                    try devices.copy(
                        stream,
                        to: inputs.chosen,
                        from: inputs.chosenOnDevice,
                        byteCount: step.maxLogitRows * MemoryLayout<Int32>.stride
                    )
                }
                recorded.append(Bucket(rows: rows, recording: recording))
            }
        } catch {
            for bucket in recorded { launcher.release(bucket.recording) }
            throw error
        }
        guard let logits else { throw PluginError(.internalError, "a step capacity of no row") }
        self.logits = logits
        buckets = .allocate(capacity: recorded.count)
        _ = buckets.initialize(from: recorded)
    }

    deinit {
        for bucket in buckets { launcher.release(bucket.recording) }
        buckets.deallocate()
    }

    private static func sizes(upTo capacity: Int) -> [Int] {
        var sizes: [Int] = []
        var rows = 1
        while rows < capacity {
            sizes.append(rows)
            rows *= 2
        }
        return sizes + [capacity]
    }

    /// Row counts of the recordings.
    var bucketSizes: [Int] { buckets.map(\.rows) }

    /// Replays the step for a number of rows and waits for it.
    func run(rows: Int) throws {
        var index = 0
        while index < buckets.count - 1 && buckets[index].rows < rows { index += 1 }
        try launcher.replay(stream, buckets[index].recording)
        try devices.synchronize(stream)
    }

    /// The best token of a logit row that `excluded` does not exclude; the row's best if it excludes all.
    ///
    /// For the rare case that a row's best token may not be chosen: the row is copied to the host.
    func bestToken(row index: Int, best: Int32, excluding excluded: (Int32) -> Bool) throws -> Int32 {
        try devices.copy(
            stream,
            to: row,
            from: logits + index * vocabulary,
            byteCount: vocabulary * MemoryLayout<Float>.stride
        )
        try devices.synchronize(stream)
        var found: Int32?
        var largest = -Float.infinity
        for token in 0..<vocabulary {
            let candidate = Int32(truncatingIfNeeded: token)
            if found != nil && !(row[token] > largest) || excluded(candidate) { continue }
            found = candidate
            largest = row[token]
        }
        return found ?? best
    }
}
