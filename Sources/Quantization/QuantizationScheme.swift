public import Numerics

/// How the numbers of one tensor are quantised.
public struct TensorScheme: Sendable, Equatable {
    /// Which elements share a scale.
    public enum Granularity: Sendable, Equatable {
        /// All elements.
        case perTensor
        /// Each row: for a weight [outputs, inputs], each output.
        case perChannel
        /// So many neighbours along the last axis.
        case perGroup(Int)
        /// Rectangles of so many rows and columns; at the edges of the matrix they may be incomplete.
        case perBlock(rows: Int, columns: Int)
    }

    /// The type of the elements.
    public var element: ElementType
    /// Which elements share a scale.
    public var granularity: Granularity
    /// Whether scales are computed from the numbers as they come, rather than stored.
    public var isDynamic: Bool

    /// A scheme.
    ///
    /// - Parameters:
    ///   - element: The type of the elements.
    ///   - granularity: Which elements share a scale.
    ///   - isDynamic: Whether scales are computed from the numbers as they come.
    public init(element: ElementType, granularity: Granularity, isDynamic: Bool = false) {
        self.element = element
        self.granularity = granularity
        self.isDynamic = isDynamic
    }

    /// MXFP4: E2M1 in groups of 32 with E8M0 scales.
    ///
    /// - Parameter isDynamic: Whether scales are computed from the numbers as they come.
    /// - Returns: The scheme.
    public static func mxfp4(isDynamic: Bool = false) -> TensorScheme {
        TensorScheme(element: .f4e2m1, granularity: .perGroup(MXFP4.blockSize), isDynamic: isDynamic)
    }

    /// FP8 E4M3 with one stored scale.
    public static let fp8PerTensor = TensorScheme(element: .f8e4m3, granularity: .perTensor)

    /// The shape of the scales of a matrix.
    ///
    /// - Parameters:
    ///   - rows: The rows of the matrix.
    ///   - columns: Its columns.
    /// - Returns: The extents, empty for a scalar.
    public func scaleShape(rows: Int, columns: Int) -> [Int] {
        switch granularity {
        case .perTensor: []
        case .perChannel: [rows]
        case .perGroup(let size): [rows, columns / size]
        case .perBlock(let height, let width): [Self.blocks(rows, of: height), Self.blocks(columns, of: width)]
        }
    }

    /// The quotient rounded up, for any extent.
    private static func blocks(_ extent: Int, of size: Int) -> Int {
        extent / size + (extent.isMultiple(of: size) ? 0 : 1)
    }

    var word: String {
        let type =
            switch element {
            case .f4e2m1: "mxfp4"
            case .f8e5m2: "fp8_e5m2"
            default: "fp8"
            }
        return switch granularity {
        case .perTensor: type
        case .perChannel: "\(type)_per_channel"
        case .perGroup(let size): element == .f4e2m1 ? type : "\(type)_per_group_\(size)"
        case .perBlock(let rows, let columns): "\(type)_per_block_\(rows)x\(columns)"
        }
    }
}

/// How a linear layer is quantised: its weight, what comes in and what goes out.
public struct QuantizationScheme: Sendable, Equatable, CustomStringConvertible {
    /// The weight's scheme, nil when it is not quantised.
    public var weight: TensorScheme?
    /// The scheme of the activations that come in, nil when they are not quantised.
    public var input: TensorScheme?
    /// The scheme of the activations that go out, nil when they are not quantised.
    public var output: TensorScheme?

    /// A scheme.
    ///
    /// - Parameters:
    ///   - weight: The weight's scheme.
    ///   - input: That of the activations that come in.
    ///   - output: That of the activations that go out.
    public init(weight: TensorScheme?, input: TensorScheme? = nil, output: TensorScheme? = nil) {
        self.weight = weight
        self.input = input
        self.output = output
    }

    /// AMD's `w_mxfp4_a_mxfp4`: stored MXFP4 weights, MXFP4 activations with scales of the moment.
    public static let mxfp4 = QuantizationScheme(weight: .mxfp4(), input: .mxfp4(isDynamic: true))
    /// AMD's `w_fp8_a_fp8`: FP8 weights and activations, one stored scale each.
    public static let fp8 = QuantizationScheme(weight: .fp8PerTensor, input: .fp8PerTensor)
    /// AMD's `w_fp8_a_fp8_o_fp8`: the outputs of each linear layer as well.
    public static let fp8WithOutputs = QuantizationScheme(
        weight: .fp8PerTensor,
        input: .fp8PerTensor,
        output: .fp8PerTensor
    )

    /// `w_mxfp4_a_mxfp4` and the like.
    public var description: String {
        let parts = [("w", weight), ("a", input), ("o", output)].compactMap { name, scheme in
            scheme.map { "\(name)_\($0.word)" }
        }
        return parts.isEmpty ? "unquantised" : parts.joined(separator: "_")
    }
}
