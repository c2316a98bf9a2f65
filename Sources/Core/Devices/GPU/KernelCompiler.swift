/// What a compiler made.
public struct CompiledImage: Sendable {
    /// An ELF file of the target.
    public var bytes: [UInt8]
    /// Whether it was made earlier and kept.
    public var isKept: Bool

    /// An image.
    ///
    /// - Parameters:
    ///   - bytes: An ELF file of the target.
    ///   - isKept: Whether it was made earlier and kept.
    public init(bytes: [UInt8], isKept: Bool) {
        self.bytes = bytes
        self.isKept = isKept
    }
}

/// Makes an image that a driver loads from the HIP source of a kernel family.
public protocol KernelCompiler: Sendable {
    /// The code object of a family for a target.
    ///
    /// - Parameters:
    ///   - family: Its source.
    ///   - plugin: Whose family it is, for messages.
    ///   - target: `gfx950`, `sm_90`.
    ///   - kind: Whose compiler is wanted.
    /// - Returns: The image.
    /// - Throws: `MLP_UNSUPPORTED` with the compiler's words.
    func image(
        of family: KernelTable.Family,
        plugin: String,
        target: String,
        kind: DeviceKind
    ) throws(DeviceError) -> CompiledImage
}
