internal import FoundationEssentials
internal import JSON

/// The tensors of a folder, whichever files they are spread over.
///
/// For the name `model`, the folder holds `model.safetensors`, or `model.safetensors.index.json` with its shards, or else
/// any number of `*.safetensors`. Diffusers' folders are read with the name `diffusion_pytorch_model`.
public struct Checkpoint: Sendable {
    /// The folder.
    public let folder: String
    /// The files, in the order of their names.
    public let files: [SafetensorsFile]
    /// The tensors, by file and then in the order of their data.
    ///
    /// With an index, only those that it names.
    public let tensors: [TensorView]

    private let positions: [String: Int]

    /// Opens the files of a folder and checks their headers.
    ///
    /// - Parameters:
    ///   - folder: The folder.
    ///   - name: What the files' names start with.
    /// - Throws: `SafetensorsError` when the folder has no such files, one is missing or broken, or the index does not
    ///   agree with them.
    public init(folder: String, name: String = "model") throws(SafetensorsError) {
        let single = Self.path(folder, "\(name).safetensors")
        let index = Self.path(folder, "\(name).safetensors.index.json")
        if FileManager.default.fileExists(atPath: single) {
            try self.init(folder: folder, files: [SafetensorsFile(path: single)], owners: nil)
        } else if FileManager.default.fileExists(atPath: index) {
            let owners = try Self.readIndex(index)
            var files: [SafetensorsFile] = []
            for shard in Set(owners.values).sorted() {
                let path = Self.path(folder, shard)
                guard FileManager.default.fileExists(atPath: path) else {
                    throw SafetensorsError(file: path, reason: "is missing; \(index) names it")
                }
                files.append(try SafetensorsFile(path: path))
            }
            try self.init(folder: folder, files: files, owners: owners)
        } else {
            let names: [String]
            do {
                names = try FileManager.default.contentsOfDirectory(atPath: folder)
            } catch {
                throw SafetensorsError(file: folder, reason: "is not a folder that can be read")
            }
            var files: [SafetensorsFile] = []
            for file in names.filter({ $0.hasSuffix(".safetensors") }).sorted() {
                files.append(try SafetensorsFile(path: Self.path(folder, file)))
            }
            guard !files.isEmpty else {
                throw SafetensorsError(
                    file: folder,
                    reason:
                        "holds neither \(name).safetensors, nor \(name).safetensors.index.json, nor other *.safetensors"
                )
            }
            try self.init(folder: folder, files: files, owners: nil)
        }
    }

    /// The tensors of the files; with `owners`, those it names, each from the file it names.
    private init(folder: String, files: [SafetensorsFile], owners: [String: String]?) throws(SafetensorsError) {
        self.folder = folder
        self.files = files
        var tensors: [TensorView] = []
        var positions: [String: Int] = [:]
        for file in files {
            for tensor in file.tensors {
                if let owners {
                    guard let owner = owners[tensor.name], file.path == Self.path(folder, owner) else { continue }
                }
                if let other = positions.updateValue(tensors.count, forKey: tensor.name) {
                    throw SafetensorsError(
                        file: file.path,
                        tensor: tensor.name,
                        reason:
                            "another file has it, too (shape \(tensors[other].shape)); add an index that says which counts"
                    )
                }
                tensors.append(tensor)
            }
        }
        if let missing = owners?.keys.filter({ positions[$0] == nil }).min(), let owner = owners?[missing] {
            throw SafetensorsError(
                file: Self.path(folder, owner),
                tensor: missing,
                reason: "is missing, but the index says that it is here"
            )
        }
        self.tensors = tensors
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
    /// - Throws: `SafetensorsError` when the folder has no such tensor.
    public func tensor(named name: String) throws(SafetensorsError) -> TensorView {
        guard let tensor = self[name] else {
            throw SafetensorsError(
                file: folder,
                tensor: name,
                reason: "is missing; the files have \(tensors.count) others"
            )
        }
        return tensor
    }

    /// The file of each tensor, as the index says.
    static func readIndex(_ path: String) throws(SafetensorsError) -> [String: String] {
        do throws(JSONError) {
            let index = JSONField(try JSON(contentsOfFile: path), at: path)
            var owners: [String: String] = [:]
            for (tensor, field) in try index["weight_map"].members() {
                let shard = try field.string()
                // An index from elsewhere must not lead out of its folder.
                guard !shard.isEmpty, !shard.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
                    throw field.error(expected: "the name of a file in the same folder")
                }
                owners[tensor] = shard
            }
            guard !owners.isEmpty else { throw index["weight_map"].error("names no tensors") }
            return owners
        } catch {
            let reason = error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)"
            throw SafetensorsError(file: path, reason: reason)
        }
    }

    private static func path(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }
}
