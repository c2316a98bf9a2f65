import CPluginAPI
public import Numerics

/// The tensors of a checkpoint that a plugin's declarations ask for, found and compared with the files' headers.
public struct WeightFiles: Sendable {
    /// What was asked for.
    public let declarations: WeightDeclarations
    /// The tensors in the order of the declarations; `nil` for one that is optional and absent, or in no file.
    public let views: [TensorView?]

    /// Opens the checkpoints and checks every declared tensor's type and shape, reading headers alone.
    ///
    /// - Parameters:
    ///   - declarations: what the plugin asks for.
    ///   - modelFolder: the folder of the checkpoint; may be `nil` if no tensor is in a file.
    /// - Throws: `MLP_IO_ERROR` for a folder or file that cannot be read or is malformed, `MLP_NOT_FOUND` for a tensor
    ///   that is missing, `MLP_INVALID_ARGUMENT` for one of another type or shape; each names file and tensor.
    public init(_ declarations: WeightDeclarations, modelFolder: String?) throws(WeightsError) {
        self.declarations = declarations
        let plugin = declarations.plugin
        var checkpoints: [String: Checkpoint] = [:]
        var views: [TensorView?] = []
        for tensor in declarations.tensors {
            if tensor.isAllocated {
                views.append(nil)
                continue
            }
            guard let modelFolder else {
                throw WeightsError(
                    MLP_NOT_FOUND,
                    "\(plugin): tensor \(tensor.path) is in a file, but no model folder is given (--model)"
                )
            }
            let folder = tensor.folder.map { "\(modelFolder)/\($0)" } ?? modelFolder
            let checkpoint: Checkpoint
            if let open = checkpoints[folder] {
                checkpoint = open
            } else {
                checkpoint = try Self.open(folder, plugin)
                checkpoints[folder] = checkpoint
            }
            guard let view = checkpoint[tensor.name] else {
                guard tensor.isOptional else {
                    throw WeightsError(
                        MLP_NOT_FOUND,
                        "\(plugin): \(folder): tensor \(tensor.name) is missing; \(checkpoint.tensors.count) others are there"
                    )
                }
                views.append(nil)
                continue
            }
            guard view.type == tensor.type, view.shape == tensor.shape else {
                let file = checkpoint.files.first { $0[tensor.name] != nil }?.path ?? folder
                throw WeightsError(
                    MLP_INVALID_ARGUMENT,
                    "\(file): tensor \(tensor.name): \(plugin) expects \(tensor.type) \(tensor.shape), found \(view.type) "
                        + "\(view.shape)"
                )
            }
            views.append(view)
        }
        self.views = views
    }

    /// Diffusers' folders name their files otherwise than transformers'.
    private static func open(_ folder: String, _ plugin: String) throws(WeightsError) -> Checkpoint {
        do throws(SafetensorsError) {
            return try Checkpoint(folder: folder, name: "model")
        } catch {
            if let diffusers = try? Checkpoint(folder: folder, name: "diffusion_pytorch_model") { return diffusers }
            throw WeightsError(MLP_IO_ERROR, "\(plugin): \(error)")
        }
    }
}
