import CPluginAPI
import Kernels
import PluginAPI

/// The recordings of a model's step, one for each row bucket, and the stream that replays them.
///
/// A step copies its inputs to the device, replays the smallest bucket that has room for its rows, and copies the tokens
/// back; rows beyond its own do nothing. A recording begins with what only the device knows, the tokens of the step
/// before, so the host need not wait for one step to give the stream the next.
final class StepRecorder {
    private struct Bucket {
        var rows: Int
        var recording: Recording
    }

    private let buckets: UnsafeMutableBufferPointer<Bucket>
    private let inputs: StepInputs
    private let devices: Devices
    private let launcher: Launcher
    private let stream: Stream

    /// Records a bucket for every power of two up to the capacity, and for the capacity.
    ///
    /// `excluded` are the tokens that a row which excludes end tokens does not choose.
    init(
        model: any CausalLanguageModel,
        inputs: StepInputs,
        cache: PagedKVCache,
        excluded: [Int32],
        backend: podium_backend,
        devices: Devices,
        launcher: Launcher,
        stream: Stream,
        memory: DeviceMemory
    ) throws {
        self.inputs = inputs
        self.devices = devices
        self.launcher = launcher
        self.stream = stream
        let layout = inputs.layout
        try model.allocateActivations(in: memory, rows: layout.rowCapacity, logitRows: layout.logitCapacity)
        let excludedOnDevice = try Self.upload(excluded, devices, stream, memory)
        let workspace = try cache.allocateAttentionWorkspace(backend: backend, rows: layout.rowCapacity, in: memory)
        var recorded: [Bucket] = []
        do {
            for rows in Self.sizes(upTo: layout.rowCapacity) {
                let step = StepRecording(
                    backend: backend,
                    maxRows: rows,
                    maxLogitRows: min(rows, layout.logitCapacity),
                    inputs: inputs,
                    cache: cache,
                    launcher: launcher,
                    stream: stream,
                    attentionWorkspace: workspace
                )
                let recording = try launcher.record(stream) {
                    try step.launch(
                        PODIUM_BEGIN_STEP,
                        podium_grid_begin_step(backend, Int32(rows), Int32(layout.pageChangeCapacity)),
                        .pointer(inputs.tokens),
                        .pointer(inputs.chosen),
                        .pointer(inputs.liveRows),
                        .size(rows),
                        .pointer(cache.pageTable),
                        .pointer(inputs.pageChanges),
                        .pointer(inputs.livePageChanges),
                        .size(layout.pageChangeCapacity)
                    )
                    let logits = try model.record(step)
                    try step.launch(
                        PODIUM_ARGMAX,
                        podium_grid_argmax(backend, Int32(step.maxLogitRows)),
                        .pointer(inputs.chosen),
                        .pointer(logits),
                        .pointer(inputs.liveLogits),
                        .size(step.maxLogitRows),
                        .size(model.geometry.vocabulary),
                        .pointer(inputs.excludesEndTokens),
                        .pointer(excludedOnDevice),
                        .size(excluded.count)
                    )
                }
                recorded.append(Bucket(rows: rows, recording: recording))
            }
        } catch {
            for bucket in recorded { launcher.release(bucket.recording) }
            throw error
        }
        buckets = .allocate(capacity: recorded.count)
        _ = buckets.initialize(from: recorded)
    }

    deinit {
        for bucket in buckets { launcher.release(bucket.recording) }
        buckets.deallocate()
    }

    private static func upload(
        _ tokens: [Int32],
        _ devices: Devices,
        _ stream: Stream,
        _ memory: DeviceMemory
    ) throws -> UnsafePointer<Int32>? {
        guard !tokens.isEmpty else { return nil }
        let staged = try memory.allocatePinned(Int32.self, tokens.count, purpose: "end tokens")
        staged.update(from: tokens, count: tokens.count)
        let device = try memory.allocate(Int32.self, tokens.count, purpose: "end tokens")
        try devices.copy(stream, to: device, from: staged, byteCount: tokens.count * MemoryLayout<Int32>.stride)
        return UnsafePointer(device)
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

    /// Gives the stream a step; nothing of the step may be changed until it has been waited for.
    func submit(_ step: StagedStep) throws {
        let size = MemoryLayout<Int32>.stride
        try devices.copy(stream, to: inputs.block, from: step.block, byteCount: step.count * size)
        var index = 0
        while index < buckets.count - 1 && buckets[index].rows < step.rows { index += 1 }
        try launcher.replay(stream, buckets[index].recording)
        if step.logits > 0 {
            try devices.copy(stream, to: step.chosen, from: inputs.chosen, byteCount: step.logits * size)
        }
        try devices.record(step.done, on: stream)
    }

    /// Waits for a step, and not for those submitted after it.
    func wait(for step: StagedStep) throws { try devices.synchronize(step.done) }

    /// Waits for every step, whatever came of it.
    func drain() { try? devices.synchronize(stream) }
}
