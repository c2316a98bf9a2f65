internal import Glibc
internal import JSON

/// Writes a safetensors file: the header first, then the tensors piece by piece, so that none has to fit into memory.
///
///     let writer = try SafetensorsWriter(path: path, tensors: [.init(name: "w", type: .bf16, shape: [2, 3])])
///     try writer.append(bytes, to: "w")
///     try writer.finish()
///
/// The data goes to `<path>.partial`, which takes its final name in `finish` and is removed if that is never reached: a file
/// of that name is always complete.
public final class SafetensorsWriter {
    /// A tensor to be written.
    public struct Tensor: Sendable {
        /// The name.
        public let name: String
        /// The type of the elements.
        public let type: ElementType
        /// The extents, outermost first.
        public let shape: [Int]

        /// A tensor to be written.
        ///
        /// - Parameters:
        ///   - name: The name.
        ///   - type: The type of the elements.
        ///   - shape: The extents, outermost first.
        public init(name: String, type: ElementType, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    private let path: String
    private var descriptor: CInt = -1
    private let tensors: [Tensor]
    private let sizes: [Int]
    private var current = 0
    private var writtenOfCurrent = 0

    private var partialPath: String { path + ".partial" }

    /// Creates the file and writes the header.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - tensors: The tensors in the order in which they will be written. The data starts at a multiple of 8 bytes; when
    ///     the widest types come first, every tensor is aligned.
    ///   - metadata: Texts for `__metadata__`.
    /// - Throws: `SafetensorsError` when the file cannot be written, a shape has no size, or two names are the same.
    public init(path: String, tensors: [Tensor], metadata: [String: String] = [:]) throws(SafetensorsError) {
        self.path = path
        self.tensors = tensors
        var header = JSONObject()
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) }
            header.updateValue(.object(JSONObject(texts)), forKey: "__metadata__")
        }
        var sizes: [Int] = []
        var end = 0
        for tensor in tensors {
            guard let size = tensor.type.byteCount(shape: tensor.shape), size <= Int.max - end else {
                throw SafetensorsError(
                    file: path,
                    tensor: tensor.name,
                    reason: "\(tensor.type) of shape \(tensor.shape) has no size in bytes"
                )
            }
            guard tensor.name != "__metadata__", header[tensor.name] == nil else {
                throw SafetensorsError(file: path, tensor: tensor.name, reason: "the name is taken")
            }
            let entry: JSON = [
                "dtype": .string(tensor.type.rawValue), "shape": .array(tensor.shape.map { JSON($0) }),
                "data_offsets": [JSON(end), JSON(end + size)],
            ]
            header.updateValue(entry, forKey: tensor.name)
            sizes.append(size)
            end += size
        }
        self.sizes = sizes

        var text = Array(JSON.object(header).text().utf8)
        text += repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
        descriptor = open(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("cannot be created", at: partialPath) }
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        try write(length)
        try write(text)
        skipEmptyTensors()
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            unlink(path + ".partial")
        }
    }

    /// Writes the next bytes of a tensor.
    ///
    /// - Parameters:
    ///   - bytes: The elements, little-endian.
    ///   - name: The tensor; all earlier ones must be complete.
    /// - Throws: `SafetensorsError` when it is not this tensor's turn, it has fewer bytes left, or writing fails.
    public func append(_ bytes: UnsafeRawBufferPointer, to name: String) throws(SafetensorsError) {
        if bytes.isEmpty { return }
        guard current < tensors.count, tensors[current].name == name else {
            let expected =
                current < tensors.count ? "it is \(tensors[current].name)'s turn" : "all tensors are complete"
            throw SafetensorsError(file: path, tensor: name, reason: "cannot be written now: \(expected)")
        }
        let left = sizes[current] - writtenOfCurrent
        guard bytes.count <= left else {
            throw SafetensorsError(file: path, tensor: name, reason: "got \(bytes.count) bytes where \(left) were left")
        }
        try write(bytes)
        writtenOfCurrent += bytes.count
        if writtenOfCurrent == sizes[current] {
            current += 1
            writtenOfCurrent = 0
            skipEmptyTensors()
        }
    }

    /// Writes the next bytes of a tensor; see `append(_:to:)` over raw memory.
    ///
    /// - Parameters:
    ///   - bytes: The elements, little-endian.
    ///   - name: The tensor; all earlier ones must be complete.
    /// - Throws: `SafetensorsError` when it is not this tensor's turn, it has fewer bytes left, or writing fails.
    public func append(_ bytes: [UInt8], to name: String) throws(SafetensorsError) {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(SafetensorsError) in try append(raw, to: name) }
        }
        try result.get()
    }

    /// Completes the file and gives it its name.
    ///
    /// - Throws: `SafetensorsError` when a tensor is incomplete or the system refuses.
    public func finish() throws(SafetensorsError) {
        guard current == tensors.count else {
            throw SafetensorsError(
                file: path,
                tensor: tensors[current].name,
                reason: "is incomplete: \(writtenOfCurrent) of \(sizes[current]) bytes"
            )
        }
        guard descriptor >= 0 else { return }
        guard fsync(descriptor) == 0 else { throw failure("cannot be written", at: partialPath) }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0 else { throw failure("cannot be written", at: partialPath) }
        guard rename(partialPath, path) == 0 else { throw failure("cannot be put in place", at: path) }
    }

    private func skipEmptyTensors() {
        while current < sizes.count, sizes[current] == 0 { current += 1 }
    }

    private func write(_ bytes: [UInt8]) throws(SafetensorsError) {
        let result = bytes.withUnsafeBytes { raw in Result { () throws(SafetensorsError) in try write(raw) } }
        try result.get()
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("cannot be written", at: partialPath)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    private func failure(_ what: String, at path: String) -> SafetensorsError {
        SafetensorsError(file: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }
}
