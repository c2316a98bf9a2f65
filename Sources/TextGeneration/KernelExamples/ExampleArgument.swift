/// One argument of a worked example, in the order of the kernel's signature.
enum ExampleArgument {
    /// An `i`.
    case int(Int)
    /// An `f`.
    case float(Float)
    /// A pointer that is NULL.
    case null
    /// A buffer that the kernel reads.
    case floats([Float])
    /// A buffer that the kernel reads.
    case ints([Int])
    /// A buffer that the kernel reads.
    case weights(ExampleWeights)
    /// A buffer that the kernel reads.
    case bytes([UInt8])
    /// A buffer that the kernel reads.
    case signedBytes([Int8])
    /// A buffer of a benchmark, that the host fills with numbers of a contract's type, of so many bytes each.
    case random(count: Int, type: Int, bytes: Int)
    /// A buffer that the kernel writes: what it holds before, what it must hold after, and how nearly.
    case output([Float], expected: [Double], absolute: Double = 0, relative: Double = 0)
    /// A buffer of weights' elements that the kernel writes: what it holds before, what it must hold after.
    case elements(ExampleWeights, expected: [Double], absolute: Double = 0)
    /// A buffer of integers that the kernel writes: what it holds before, what it must hold after.
    case indices([Int], expected: [Int])
    /// A buffer of bytes that the kernel writes: what it holds before, what it must hold after.
    case codes([Int], expected: [Int])
}
