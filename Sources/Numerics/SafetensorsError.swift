/// What is wrong with a safetensors file or a folder of them.
public struct SafetensorsError: Error, Equatable, Sendable {
    /// The file or folder.
    public var file: String
    /// The tensor; nil when the fault is not one tensor's.
    public var tensor: String?
    /// What was expected, and what was found.
    public var reason: String

    /// An error about a file, or about a tensor in it.
    ///
    /// - Parameters:
    ///   - file: The file or folder.
    ///   - tensor: The tensor; nil when the fault is not one tensor's.
    ///   - reason: What was expected, and what was found.
    public init(file: String, tensor: String? = nil, reason: String) {
        self.file = file
        self.tensor = tensor
        self.reason = reason
    }
}

extension SafetensorsError: CustomStringConvertible {
    /// `model.safetensors: tensor lm_head.weight: shape ...`.
    public var description: String {
        guard let tensor else { return "\(file): \(reason)" }
        return "\(file): tensor \(tensor): \(reason)"
    }
}
