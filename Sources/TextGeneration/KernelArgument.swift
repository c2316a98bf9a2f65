/// One argument of a kernel launch, of the type that the kernel's signature says.
public enum KernelArgument {
    /// `p`: an address on the device, or NULL.
    case pointer(UnsafeRawPointer?)
    /// `i`: a 32-bit integer.
    case int(Int32)
    /// `l`: a 64-bit integer.
    case long(Int64)
    /// `f`: a 32-bit float.
    case float(Float)

    /// A size that is known to fit 32 bits because the configuration was checked.
    public static func size(_ value: Int) -> KernelArgument { .int(Int32(value)) }

    /// The argument's bytes, little-endian, in the low end of a word: the machines that run this are little-endian.
    var word: UInt64 {
        switch self {
        case .pointer(let address): UInt64(UInt(bitPattern: address))
        case .int(let value): UInt64(UInt32(bitPattern: value))
        case .long(let value): UInt64(bitPattern: value)
        case .float(let value): UInt64(value.bitPattern)
        }
    }
}
