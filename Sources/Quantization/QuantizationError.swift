internal import Files

/// What is wrong with a quantised checkpoint, its configuration, or what was asked of the quantiser.
public struct QuantizationError: Error, Equatable, Sendable {
    /// The file or folder.
    public var file: String
    /// The tensor or the layer, nil when the fault is not one's.
    public var tensor: String?
    /// What was expected, what was found, and what to do.
    public var reason: String

    /// An error about a file, or about a tensor or a layer in it.
    ///
    /// - Parameters:
    ///   - file: The file or folder.
    ///   - tensor: The tensor or the layer, nil when the fault is not one's.
    ///   - reason: What was expected, what was found, and what to do.
    public init(file: String, tensor: String? = nil, reason: String) {
        self.file = file
        self.tensor = tensor
        self.reason = reason
    }

    /// What a file system refused.
    init(_ error: FileError) { self.init(file: error.path, reason: error.reason) }
}

extension QuantizationError: CustomStringConvertible {
    /// `model.safetensors: tensor model.layers.0.mlp.up_proj.weight_scale: is missing ...`.
    public var description: String {
        guard let tensor else { return "\(file): \(reason)" }
        return "\(file): tensor \(tensor): \(reason)"
    }
}
