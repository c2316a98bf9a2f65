import CPluginAPI
import PluginAPI
import TextGeneration

/// What to do when a device has no room for a model's cache or activations.
struct MemoryAdvice {
    private let weights: Int
    private let context: Int
    /// Bytes of the cache that one token takes.
    private let tokenBytes: Int
    private let pageSize: Int
    private let maxBatch: Int

    /// About a model whose weights are on the device, and how it was to generate.
    init(model: LlamaModel, options: GenerationOptions) {
        let geometry = model.geometry
        weights = model.weightByteCount
        context = geometry.context
        tokenBytes = geometry.layers * 2 * geometry.kvHeads * geometry.headDimension * options.cacheType.byteCount
        pageSize = options.pageSize
        maxBatch = options.maxBatch
    }

    /// Who takes how much, and what would fit, with half of the free memory left to the activations.
    func sentence(on devices: Devices) -> String {
        guard let free = try? devices.freeMemory(0), let properties = try? devices.properties(0) else {
            return "the weights take \(weights) bytes"
        }
        let tokens = Int(clamping: free) / 2 / max(tokenBytes, 1) / pageSize * pageSize
        let fits =
            tokens > 0
            ? "model_config.kv_cache_tokens=\(tokens) would fit, with as much left to the activations"
            : "no cache would fit: the model needs a device with more memory"
        return
            "the weights take \(weights) of the device's \(properties.memory_size) bytes, \(free) are free; the cache takes "
            + "\(tokenBytes) bytes for each token, \(tokenBytes * context) for a sequence of \(context) tokens, of which "
            + "max_batch=\(maxBatch) asks for \(maxBatch) at most; \(fits)"
    }
}
