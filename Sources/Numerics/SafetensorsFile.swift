/// A safetensors file, mapped into memory and checked.
///
///     let file = try SafetensorsFile(path: "model.safetensors")
///     let norm = try file.tensor(named: "model.norm.weight").floats()
///
/// Opening reads and checks the header and touches no tensor. The file must not be shortened while it is open.
public struct SafetensorsFile: Sendable {
    /// The path, or the name that was given.
    public let path: String
    /// The free-form texts of `__metadata__`.
    public let metadata: [String: String]
    /// The tensors, in the order of their data.
    public let tensors: [TensorView]

    private let positions: [String: Int]

    /// Opens a file and checks its header.
    ///
    /// - Parameter path: The file.
    /// - Throws: `SafetensorsError` when the file cannot be read or breaks a rule of the format.
    public init(path: String) throws(SafetensorsError) {
        try self.init(FileBytes(mapping: path))
    }

    /// Takes a copy of bytes in memory for a file.
    ///
    /// - Parameters:
    ///   - bytes: What the file would hold.
    ///   - name: What to call it in errors.
    /// - Throws: `SafetensorsError` when the bytes break a rule of the format.
    public init(copying bytes: some Collection<UInt8>, name: String) throws(SafetensorsError) {
        try self.init(FileBytes(copying: bytes, name: name))
    }

    private init(_ file: FileBytes) throws(SafetensorsError) {
        path = file.path
        let header = try SafetensorsHeader(parsing: file.bytes, file: path)
        metadata = header.metadata
        tensors = header.entries.map { TensorView($0, in: file) }
        var positions: [String: Int] = [:]
        for (position, tensor) in tensors.enumerated() {
            // Names equal as bytes are refused by the JSON reader; these differ only in how accents are composed.
            if positions.updateValue(position, forKey: tensor.name) != nil {
                throw SafetensorsError(file: path, tensor: tensor.name, reason: "another tensor has an equivalent name")
            }
        }
        self.positions = positions
    }

    /// The tensor of a name, nil when there is none.
    public subscript(name: String) -> TensorView? {
        positions[name].map { tensors[$0] }
    }

    /// The tensor of a name.
    ///
    /// - Parameter name: The name.
    /// - Returns: The tensor.
    /// - Throws: `SafetensorsError` when the file has no such tensor.
    public func tensor(named name: String) throws(SafetensorsError) -> TensorView {
        guard let tensor = self[name] else {
            throw SafetensorsError(file: path, tensor: name, reason: "is missing; the file has \(tensors.count) others")
        }
        return tensor
    }
}
