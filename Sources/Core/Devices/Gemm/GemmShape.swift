import CPluginAPI
public import Numerics

/// What a dense product multiplies: y[m,n] = x[m,k] * w[n,k]^T, all row-major and dense, with sums in float32.
public struct GemmShape: Sendable, Hashable, CustomStringConvertible {
    /// What multiplies the elements of x and of w; the raw values are the contract's.
    public enum Scaling: UInt32, Sendable {
        /// Nothing.
        case none = 0
        /// One float32 for all of x and one for all of w.
        case whole = 1
        /// A power of two (E8M0) for each 32 elements of a row: [rows, k / 32].
        case blocks = 2
    }

    /// Rows of x and of y.
    public var m: Int
    /// Rows of w and columns of y.
    public var n: Int
    /// Columns of x and of w.
    public var k: Int
    /// Element type of x.
    public var x: ElementType
    /// Element type of w.
    public var w: ElementType
    /// Element type of y.
    public var y: ElementType
    /// What multiplies the elements of x and of w.
    public var scaling: Scaling

    /// A shape from its extents and types.
    public init(m: Int, n: Int, k: Int, x: ElementType, w: ElementType, y: ElementType, scaling: Scaling = .none) {
        (self.m, self.n, self.k) = (m, n, k)
        (self.x, self.w, self.y) = (x, w, y)
        self.scaling = scaling
    }

    /// The contract's form of a shape, checked.
    ///
    /// - Throws: `MLP_INVALID_ARGUMENT` for extents of 0 or beyond 2^40, types that the contract does not number, rows
    ///   that fill no whole byte, and blocks that do not divide k.
    init(_ shape: mlp_gemm_shape) throws(DeviceError) {
        let most: UInt64 = 1 << 40
        guard (1...most).contains(shape.m), (1...most).contains(shape.n), (1...most).contains(shape.k) else {
            throw .invalidArgument("gemm: extents \(shape.m), \(shape.n), \(shape.k): each must be from 1 to \(most)")
        }
        guard let x = ElementType(contract: shape.x_dtype), let w = ElementType(contract: shape.w_dtype),
            let y = ElementType(contract: shape.y_dtype), let scaling = Scaling(rawValue: shape.scaling)
        else {
            throw .invalidArgument(
                "gemm: types \(shape.x_dtype), \(shape.w_dtype), \(shape.y_dtype), scaling \(shape.scaling): "
                    + "mlp_plugin.h numbers no such type or scaling"
            )
        }
        self.init(m: Int(shape.m), n: Int(shape.n), k: Int(shape.k), x: x, w: w, y: y, scaling: scaling)
        guard x.byteCount(shape: [k]) != nil, w.byteCount(shape: [k]) != nil, y.byteCount(shape: [n]) != nil else {
            throw .invalidArgument("gemm of \(self): a row fills no whole number of bytes")
        }
        guard scaling != .blocks || k % 32 == 0 else {
            throw .invalidArgument("gemm of \(self): k is no multiple of the 32 elements of a block")
        }
    }

    /// Multiplications and additions: 2 m n k.
    public var operations: Double { 2 * Double(m) * Double(n) * Double(k) }

    /// `y[16384,1280] BF16 = x[16384,8192] BF16 * w[1280,8192]^T BF16`.
    public var description: String {
        let scales = [Scaling.none: "", .whole: ", scaled", .blocks: ", scaled by blocks"][scaling] ?? ""
        return "y[\(m),\(n)] \(y) = x[\(m),\(k)] \(x) * w[\(n),\(k)]^T \(w)\(scales)"
    }
}

/// Where the operands of a product are, all in the device's memory.
public struct GemmOperands: @unchecked Sendable {
    /// [m, k].
    public var x: UnsafeRawPointer
    /// [n, k].
    public var w: UnsafeRawPointer
    /// [m, n].
    public var y: UnsafeMutableRawPointer
    /// As the shape's scaling says; nil if there are none.
    public var xScales: UnsafeRawPointer?
    /// As the shape's scaling says; nil if there are none.
    public var wScales: UnsafeRawPointer?

    /// Operands from their addresses.
    public init(
        x: UnsafeRawPointer,
        w: UnsafeRawPointer,
        y: UnsafeMutableRawPointer,
        xScales: UnsafeRawPointer? = nil,
        wScales: UnsafeRawPointer? = nil
    ) {
        (self.x, self.w, self.y) = (x, w, y)
        (self.xScales, self.wScales) = (xScales, wScales)
    }

    /// The contract's form, checked against the shape.
    init(_ operands: mlp_gemm_operands, _ shape: GemmShape) throws(DeviceError) {
        guard let x = operands.x, let w = operands.w, let y = operands.y else {
            throw .invalidArgument("gemm of \(shape): x, w or y is NULL")
        }
        self.init(x: x, w: w, y: y, xScales: operands.x_scales, wScales: operands.w_scales)
        try check(shape)
    }

    /// Fails if scales are missing, or there without a use.
    func check(_ shape: GemmShape) throws(DeviceError) {
        let isScaled = shape.scaling != .none
        guard (xScales != nil) == isScaled, (wScales != nil) == isScaled else {
            throw .invalidArgument(
                "gemm of \(shape): \(isScaled ? "x_scales or w_scales is NULL" : "scales for a product without any")"
            )
        }
    }
}
