import Kernels

/// How an example's cache holds its numbers.
struct ExampleCacheType {
    let dtype: podium_dtype
    /// What one means in the keys and in the values; kernels use it for E4M3 alone.
    let kScale, vScale: Float

    /// The scales must not count here.
    static let float32 = ExampleCacheType(dtype: PODIUM_F32, kScale: 3, vScale: 5)
    static let bfloat16 = ExampleCacheType(dtype: PODIUM_BF16, kScale: 3, vScale: 5)
    /// Scales with which numbers of at most 1 use the whole range: 448 times the scale is 1, or a little less.
    static let e4m3 = ExampleCacheType(dtype: PODIUM_F8E4M3, kScale: 0.0022321429, vScale: 0.0022)

    /// The `kv_dtype` argument.
    var argument: ExampleArgument { .int(Int(dtype.rawValue)) }

    /// What is multiplied with an element.
    var factors: (k: Float, v: Float) { dtype == PODIUM_F8E4M3 ? (kScale, vScale) : (1, 1) }
}
