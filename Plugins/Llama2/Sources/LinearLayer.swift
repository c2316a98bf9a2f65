import Kernels

/// A linear layer as it is computed: where its weight lies, what its input is rounded to, what becomes of its output.
struct LinearLayer: Sendable {
    /// Something that the host put on the device: a tensor or a placement, by index.
    enum Location: Sendable {
        case tensor(Int)
        case placement(Int)
    }

    /// A vector of elements.
    struct Vector: Sendable {
        var location: Location
        var type: podium_dtype
    }

    /// What is done with the input before the product.
    enum Input: Sendable, Hashable {
        /// Nothing.
        case asItIs
        /// Rounded to E4M3 under a stored scale, by index among the scalars.
        case fp8(scale: Int)
        /// Int8 in blocks of 32.
        case int8Blocks
        /// MXFP4 with scales of the moment.
        case mxfp4Blocks

        /// Whether a product takes codes and scales instead of numbers.
        var isBlocks: Bool { self == .int8Blocks || self == .mxfp4Blocks }

        /// Whether it is the same rounding, apart from the scale.
        func isLike(_ other: Input) -> Bool {
            if case .fp8 = self, case .fp8 = other { return true }
            return self == other
        }
    }

    /// The weight.
    enum Weight: Sendable {
        /// Row-major, with a factor for each row or none.
        case rows(Vector, scales: Location?)
        /// Packed for `podium_gemm_mxfp4`.
        case packed(Location)
    }

    var outputs: Int
    var inputs: Int
    var weight: Weight
    var bias: Vector?
    var input: Input
    /// The scalar under which the output is rounded to E4M3; nil if it is not.
    var outputScale: Int?
}
