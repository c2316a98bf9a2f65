/// A tensor in a safetensors file: a view that keeps the file mapped.
public struct TensorView: @unchecked Sendable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let type: ElementType
    /// The extents, outermost first; empty for a scalar.
    ///
    /// Elements are in row-major order.
    public let shape: [Int]
    /// The elements.
    ///
    /// Valid as long as this view, or another one of the same file, or the file exists.
    ///
    /// The address need not be a multiple of the element's size: the format does not promise it.
    public let bytes: UnsafeRawBufferPointer

    // The pointer into it is why Sendable is unchecked: the bytes are never written.
    private let file: FileBytes
    private let range: Range<Int>

    init(_ entry: SafetensorsHeader.Entry, in file: FileBytes) {
        name = entry.name
        type = entry.type
        shape = entry.shape
        range = entry.range
        bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
        self.file = file
    }

    /// The path of the file that holds it.
    public var path: String { file.path }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Whether the address suits loads of whole elements.
    public var isAligned: Bool {
        UInt(bitPattern: bytes.baseAddress).isMultiple(of: UInt(max(1, type.bitWidth / 8)))
    }

    /// Calls a function with the elements and keeps them valid meanwhile.
    ///
    /// - Parameter body: What reads the elements; it must not keep the pointer.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(file) {} }
        return try body(bytes)
    }

    /// The elements as `Float`; see `ElementType.decode`.
    ///
    /// - Returns: The values in row-major order.
    /// - Throws: `SafetensorsError` when the type is not a float that can be decoded.
    public func floats() throws(SafetensorsError) -> [Float] {
        guard type.isDecodable else {
            throw SafetensorsError(file: file.path, tensor: name, reason: "expected floats, found \(type)")
        }
        return withBytes { type.decode($0, count: count) }
    }

    /// Asks the kernel to read the pages ahead.
    public func prefetch() { file.advise(.willNeed, range) }

    /// Tells the kernel that the tensor is read once from start to end.
    public func expectSequentialReading() { file.advise(.sequential, range) }

    /// Gives the resident pages back; reading the tensor again brings them back from the file.
    ///
    /// Pages that a neighbour shares go too, which costs that one a page fault and nothing else.
    public func releasePages() { file.advise(.doNotNeed, range) }
}
