public import CPluginAPI
public import Kernels
import PluginAPI

/// A decoder-only model, as the engine needs it: it owns its weights and activations, and says what a step launches.
public protocol CausalLanguageModel: AnyObject {
    /// Its sizes.
    var geometry: ModelGeometry { get }

    /// Allocates what a step of at most so many rows needs; called once, before `record`.
    ///
    /// - Parameters:
    ///   - memory: Where to allocate; it outlives the recordings.
    ///   - rows: Positions in the largest step.
    ///   - logitRows: Rows in the largest step whose logits are wanted.
    /// - Throws: `PluginError` when memory is short.
    func allocateActivations(in memory: DeviceMemory, rows: Int, logitRows: Int) throws

    /// Launches one step for steps of a bucket: from token ids to logits, appending keys and values on the way.
    ///
    /// Called while the stream records. Everything that differs between two steps is read from the addresses in `step`.
    ///
    /// - Parameter step: Where the inputs are, and how to launch.
    /// - Returns: On the device, float32 `[step.maxLogitRows, vocabulary]`: the logits of the rows that want them.
    /// - Throws: `PluginError` of a launch that the host refuses.
    func record(_ step: StepRecording) throws -> UnsafePointer<Float>
}

/// The step being recorded: inputs in device memory, the cache, and the launcher.
public struct StepRecording {
    /// What the grids are made for.
    public let backend: podium_backend
    /// Rows of the bucket.
    public let maxRows: Int
    /// Logit rows of the bucket.
    public let maxLogitRows: Int

    let inputs: StepInputs
    let cache: PagedKVCache
    let launcher: Launcher
    let stream: Stream
    /// float32 on the device: what attention on a GPU keeps between its two launches; nil where it needs none.
    public let attentionWorkspace: UnsafeMutablePointer<Float>?

    /// int32 `[1]`: rows that count.
    public var liveRows: UnsafePointer<Int32> { inputs.liveRows }
    /// int32 `[1]`: logit rows that count.
    public var liveLogits: UnsafePointer<Int32> { inputs.liveLogits }
    /// int32 `[maxRows]`: token of each row.
    public var tokens: UnsafePointer<Int32> { UnsafePointer(inputs.tokens) }
    /// int32 `[maxRows]`: position of each row in its sequence.
    public var positions: UnsafePointer<Int32> { inputs.positions }
    /// int32 `[maxRows]`: slot of each row's sequence.
    public var slots: UnsafePointer<Int32> { inputs.sequenceSlots }
    /// int32 `[maxLogitRows]`: the rows whose logits are wanted.
    public var logitRows: UnsafePointer<Int32> { inputs.logitRows }
    /// int32 `[slots, maxPages]`.
    public var pageTable: UnsafePointer<Int32> { UnsafePointer(cache.pageTable) }
    /// Entries of one slot in the page table.
    public var maxPages: Int { cache.maxPages }
    /// Positions in a page.
    public var pageSize: Int { cache.pageSize }

    /// Element type of keys and values.
    public var cacheType: KVCacheType { cache.type }

    /// Keys of a layer, `cacheType`: what `rope_append` writes and `paged_attention` reads.
    public func keys(layer: Int) -> UnsafeMutableRawPointer { cache.keys(layer: layer) }
    /// Values of a layer, of the same size.
    public func values(layer: Int) -> UnsafeMutableRawPointer { cache.values(layer: layer) }

    /// Queues a launch of one of Podium's kernels.
    ///
    /// - Parameters:
    ///   - kernel: Which.
    ///   - grid: From the kernel family's own grid function.
    ///   - arguments: In the order of the kernel's signature.
    /// - Throws: `PluginError` when the host refuses the launch.
    public func launch(_ kernel: podium_kernel, _ grid: mlp_grid, _ arguments: KernelArgument...) throws {
        try launcher.launch(kernel, grid, on: stream, arguments)
    }
}
