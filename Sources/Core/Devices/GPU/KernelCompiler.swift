/// Makes an image that a driver loads from the HIP source of a kernel family.
public protocol KernelCompiler: Sendable {
    /// The code object of a family for a target.
    ///
    /// - Parameters:
    ///   - family: Its source.
    ///   - plugin: Whose family it is, for messages.
    ///   - target: `gfx950`, `sm_90`.
    ///   - kind: Whose compiler is wanted.
    /// - Returns: An ELF file of the target.
    /// - Throws: `MLP_UNSUPPORTED` with the compiler's words.
    func image(
        of family: KernelTable.Family,
        plugin: String,
        target: String,
        kind: DeviceKind
    ) throws(DeviceError) -> [UInt8]
}
