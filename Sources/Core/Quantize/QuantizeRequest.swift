internal import Quantization

/// What a checkpoint is to become, and from what.
public struct QuantizeRequest: Sendable {
    /// The scheme of the linear layers.
    public enum Scheme: String, Sendable, CaseIterable {
        /// MXFP4 weights, activations to be rounded to MXFP4 as they come.
        case mxfp4
        /// FP8 weights and activations, one stored scale each.
        case fp8
        /// FP8 weights, activations and outputs.
        case fp8WithOutputs = "fp8_o"

        var quantization: QuantizationScheme {
            switch self {
            case .mxfp4: .mxfp4
            case .fp8: .fp8
            case .fp8WithOutputs: .fp8WithOutputs
            }
        }
    }

    /// The type of the KV cache.
    public enum KVCache: String, Sendable, CaseIterable {
        /// FP8 E4M3 with a stored scale for each layer.
        case fp8
        /// Nothing is said of it.
        case none
    }

    /// How weights are rounded.
    public enum Method: String, Sendable, CaseIterable {
        /// Column by column, correcting for the errors made.
        case gptq
        /// Each to the nearest.
        case rtn
    }

    /// The order in which GPTQ takes columns.
    public enum Order: String, Sendable, CaseIterable {
        /// The largest activations first, with the scales of the original weights; Quark's default.
        case activation
        /// As they stand, with the scales of the corrected weights; the paper's.
        case column

        var gptq: GPTQ.Order { self == .activation ? .activation : .column }
    }

    /// Plugin, model, threads and the plugin's options; the data set is the calibration data.
    public var configuration: RunConfiguration
    /// The folder to write; it is made, or holds what an interrupted run with the same settings has left.
    public var output: String
    /// The scheme of the linear layers.
    public var scheme: Scheme
    /// The type of the KV cache.
    public var kvCache: KVCache
    /// How weights are rounded.
    public var method: Method
    /// How many samples of the calibration data are used, from the first; nil: 128, or all if there are fewer.
    public var samples: Int?
    /// Patterns of layers that stay as they are, beside those that the plugin names.
    public var exclude: [String]
    /// What GPTQ adds to the Hessian's diagonal, as a share of its mean.
    public var damping: Double
    /// The order in which GPTQ takes columns.
    public var order: Order

    /// A request from its parts.
    public init(
        configuration: RunConfiguration,
        output: String,
        scheme: Scheme,
        kvCache: KVCache,
        method: Method,
        samples: Int?,
        exclude: [String],
        damping: Double,
        order: Order
    ) {
        self.configuration = configuration
        self.output = output
        self.scheme = scheme
        self.kvCache = kvCache
        self.method = method
        self.samples = samples
        self.exclude = exclude
        self.damping = damping
        self.order = order
    }
}
