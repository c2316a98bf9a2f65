internal import Files
internal import Glibc
public import JSON
public import Numerics

/// Writes a checkpoint in Quark's layout, one file after the other, and goes on where an interrupted run stopped.
///
///     let writer = try QuarkCheckpointWriter(
///         folder: "out", source: source, config: config, linears: names, recipe: recipe, settings: "gptq damping 0.01")
///     for step in writer.steps where !writer.isDone(step) {
///         try writer.write(step) { layer, weight in try scheme.quantize(weight, ...) } scales: { ... }
///     }
///     try writer.finish()
///
/// A step is a file. It appears under its name when all of it is on disk, so a file that is there is complete and is not made
/// again; what a file holds follows from the source, the recipe and what the caller computes, never from where a run began.
/// `quantize.json` keeps the settings and stays: a folder that was begun with others is refused. `config.json` comes last, so that
/// nothing takes an unfinished folder for a model.
public final class QuarkCheckpointWriter {
    /// One file to be written.
    public struct Step: Sendable {
        /// The file's name.
        public let file: String
        /// The linear layers whose weights it will hold, in order.
        public let layers: [String]
        /// The bytes of its tensors.
        public let byteCount: Int
        /// The stage that its tensors belong to, nil for those of none.
        public let stage: Int?

        let sources: [String]
        let tensors: [SafetensorsWriter.Tensor]
    }

    /// The stored scales of what comes into a layer and goes out of it.
    public struct ActivationScales: Sendable, Equatable {
        /// The scale of what comes in, where the scheme stores one.
        public var input: Float?
        /// The scale of what goes out, where the scheme stores one.
        public var output: Float?

        /// The scales of a layer.
        ///
        /// - Parameters:
        ///   - input: The scale of what comes in.
        ///   - output: The scale of what goes out.
        public init(input: Float? = nil, output: Float? = nil) {
            self.input = input
            self.output = output
        }
    }

    /// The files, in order.
    public let steps: [Step]
    /// Whether the folder holds the finished model already, made from the same source with the same settings.
    public private(set) var isFinished = false

    private let folder: String
    private let source: Checkpoint
    private let config: JSON
    private let recipe: QuantizationRecipe
    private let schemes: [String: QuantizationScheme]

    /// Plans the files of a checkpoint.
    ///
    /// - Parameters:
    ///   - folder: Where to write; made when it is not there.
    ///   - source: The checkpoint to quantise.
    ///   - config: Its `config.json`.
    ///   - linears: The names of its linear layers, as `model.layers.0.mlp.up_proj`.
    ///   - recipe: What is to become of them.
    ///   - stages: Tensors that are written together, by their names in the source: they get files of their own, which
    ///     come first. All others follow in the source's order.
    ///   - fileSize: How many bytes of tensors a file holds at most, unless one layer alone has more.
    ///   - settings: What else decides the bytes: the calibration data, GPTQ's settings.
    /// - Throws: `QuantizationError` when a layer is missing, does not fit the scheme, or the folder was begun with other
    ///   settings.
    public init(
        folder: String,
        source: Checkpoint,
        config: JSONObject,
        linears: [String],
        recipe: QuantizationRecipe,
        stages: [[String]] = [],
        fileSize: Int = 1 << 30,
        settings: String = ""
    ) throws(QuantizationError) {
        self.folder = folder
        self.source = source
        self.recipe = recipe
        var schemes: [String: QuantizationScheme] = [:]
        for name in linears {
            guard let scheme = recipe.scheme(ofLayer: name) else { continue }
            guard let weight = source[name + ".weight"] else {
                throw QuantizationError(file: source.folder, tensor: name + ".weight", reason: "is missing")
            }
            try Self.check(weight, scheme, name)
            schemes[name] = scheme
        }
        self.schemes = schemes
        var whole = config
        whole.updateValue(try recipe.quarkConfiguration(), forKey: "quantization_config")
        self.config = .object(whole)
        steps = try Self.plan(source, schemes, recipe, stages: stages, fileSize: fileSize)
        try begin(settings)
    }

    /// Whether a file is complete.
    ///
    /// - Parameter step: The file.
    /// - Returns: Whether it is there with the tensors that it should have.
    public func isDone(_ step: Step) -> Bool {
        guard let file = try? SafetensorsFile(path: path(step.file)) else { return false }
        return file.tensors.count == step.tensors.count
            && zip(file.tensors, step.tensors).allSatisfy {
                $0.name == $1.name && $0.type == $1.type && $0.shape == $1.shape
            }
    }

    /// Writes a file; one layer after the other is in memory.
    ///
    /// - Parameters:
    ///   - step: The file.
    ///   - quantize: Gives the codes and scales of a layer's weight.
    ///   - scales: Gives the stored scales of a layer's activations.
    /// - Throws: What the closures throw; `SafetensorsError` when the file cannot be written; `QuantizationError` when a
    ///   result is not what the plan says.
    public func write(
        _ step: Step,
        quantize: (_ layer: String, _ weight: TensorView) throws -> QuantizedTensor,
        scales: (_ layer: String) throws -> ActivationScales
    ) throws {
        let writer = try SafetensorsWriter(path: path(step.file), tensors: step.tensors, metadata: ["format": "pt"])
        for name in step.sources {
            let tensor = try source.tensor(named: name)
            guard let layer = Self.layer(of: name), let scheme = schemes[layer], let quantized = scheme.weight else {
                try copy(tensor, to: writer)
                continue
            }
            let result = try quantize(layer, tensor)
            guard result.scheme == quantized, [result.rows, result.columns] == tensor.shape,
                result.scaleType == (quantized.element == .f4e2m1 ? .e8m0 : recipe.scaleType)
            else {
                throw QuantizationError(
                    file: path(step.file),
                    tensor: name,
                    reason: "was to be \(scheme) of shape \(tensor.shape), but something else was made"
                )
            }
            try writer.append(result.codes, to: name)
            try writer.append(result.scales, to: layer + ".weight_scale")
            let activations = try scales(layer)
            try append(activations.input, scheme.input, layer + ".input_scale", to: writer)
            try append(activations.output, scheme.output, layer + ".output_scale", to: writer)
            tensor.releasePages()
        }
        try writer.finish()
    }

    /// Writes the index and `config.json`.
    ///
    /// - Throws: `QuantizationError` when a file is missing or the system refuses.
    public func finish() throws(QuantizationError) {
        if let missing = steps.first(where: { !isDone($0) }) {
            throw QuantizationError(file: path(missing.file), reason: "is not complete yet")
        }
        var owners: [(String, JSON)] = []
        var size = 0
        for step in steps {
            for tensor in step.tensors { owners.append((tensor.name, .string(step.file))) }
            size += step.byteCount
        }
        let index: JSON = [
            "metadata": ["total_size": JSON(size)],
            "weight_map": .object(JSONObject(owners.sorted { $0.0 < $1.0 })),
        ]
        try put(index, "model.safetensors.index.json")
        try put(config, "config.json")
    }

    private func put(_ json: JSON, _ name: String) throws(QuantizationError) {
        do throws(FileError) {
            try WholeFile.write(json.text(pretty: true) + "\n", to: path(name))
        } catch {
            throw QuantizationError(error)
        }
    }

    private func path(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : folder + "/" + name }

    private static func layer(of tensor: String) -> String? {
        tensor.hasSuffix(".weight") ? String(tensor.dropLast(".weight".count)) : nil
    }

    private static func check(
        _ weight: TensorView,
        _ scheme: QuantizationScheme,
        _ name: String
    ) throws(QuantizationError) {
        func fault(_ reason: String) -> QuantizationError {
            QuantizationError(file: weight.path, tensor: weight.name, reason: reason)
        }
        guard weight.shape.count == 2 else {
            throw fault("has shape \(weight.shape), but a linear layer's weight has two extents")
        }
        guard weight.type.isDecodable, weight.type.bitWidth >= 16 else {
            throw fault("is \(weight.type), but only plain floats can be quantised")
        }
        if case .perGroup(let size)? = scheme.weight?.granularity, !weight.shape[1].isMultiple(of: size) {
            throw fault("has \(weight.shape[1]) columns, which blocks of \(size) do not divide; exclude \(name)")
        }
    }

    /// Source tensors, stage by stage and then in their order, cut into files.
    private static func plan(
        _ source: Checkpoint,
        _ schemes: [String: QuantizationScheme],
        _ recipe: QuantizationRecipe,
        stages: [[String]],
        fileSize: Int
    ) throws(QuantizationError) -> [Step] {
        var ordered: [(tensor: TensorView, stage: Int?)] = []
        var taken: Set<String> = []
        for (stage, names) in stages.enumerated() {
            for name in names where taken.insert(name).inserted {
                guard let tensor = source[name] else {
                    throw QuantizationError(file: source.folder, tensor: name, reason: "is missing")
                }
                ordered.append((tensor, stage))
            }
        }
        for tensor in source.tensors where !taken.contains(tensor.name) { ordered.append((tensor, nil)) }
        var files: [PlannedFile] = []
        for (tensor, stage) in ordered {
            let results = planned(tensor, schemes, recipe)
            let size = results.reduce(0) { $0 + ($1.type.byteCount(shape: $1.shape) ?? 0) }
            if let last = files.last, last.stage == stage, last.size + size <= fileSize {
            } else {
                files.append(PlannedFile(stage: stage))
            }
            let last = files.count - 1
            files[last].sources.append(tensor.name)
            if let layer = layer(of: tensor.name), schemes[layer]?.weight != nil { files[last].layers.append(layer) }
            files[last].tensors += results
            files[last].size += size
        }
        return files.enumerated().map { index, file in
            Step(
                file: "model-\(padded(index + 1))-of-\(padded(files.count)).safetensors",
                layers: file.layers,
                byteCount: file.size,
                stage: file.stage,
                sources: file.sources,
                tensors: file.tensors
            )
        }
    }

    private struct PlannedFile {
        var stage: Int?
        var sources: [String] = []
        var layers: [String] = []
        var tensors: [SafetensorsWriter.Tensor] = []
        var size = 0
    }

    /// What becomes of a source tensor.
    private static func planned(
        _ tensor: TensorView,
        _ schemes: [String: QuantizationScheme],
        _ recipe: QuantizationRecipe
    ) -> [SafetensorsWriter.Tensor] {
        guard let layer = layer(of: tensor.name), let scheme = schemes[layer], let weight = scheme.weight else {
            return [SafetensorsWriter.Tensor(name: tensor.name, type: tensor.type, shape: tensor.shape)]
        }
        let isMXFP4 = weight.element == .f4e2m1
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        var results = [
            SafetensorsWriter.Tensor(
                name: tensor.name,
                type: isMXFP4 ? .u8 : weight.element,
                shape: [rows, isMXFP4 ? columns / 2 : columns]
            ),
            SafetensorsWriter.Tensor(
                name: layer + ".weight_scale",
                type: isMXFP4 ? .u8 : recipe.scaleType,
                shape: weight.scaleShape(rows: rows, columns: columns)
            ),
        ]
        for (name, part) in [("input_scale", scheme.input), ("output_scale", scheme.output)] where stores(part) {
            results.append(SafetensorsWriter.Tensor(name: "\(layer).\(name)", type: recipe.scaleType, shape: []))
        }
        return results
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    private static func stores(_ scheme: TensorScheme?) -> Bool {
        scheme.map { !$0.isDynamic && $0.granularity == .perTensor } ?? false
    }

    /// Makes the folder and states the settings in it, or compares with those that are stated there.
    private func begin(_ settings: String) throws(QuantizationError) {
        do throws(FileError) { try Folder.make(folder) } catch { throw QuantizationError(error) }
        let files: [JSON] = steps.map { step in
            ["file": .string(step.file), "tensors": JSON(step.tensors.count), "bytes": JSON(step.byteCount)]
        }
        let stated: JSON = [
            "source": .string(source.folder), "settings": .string(settings), "config": config, "files": .array(files),
        ]
        let record = path("quantize.json")
        if access(record, F_OK) == 0 {
            let found: JSON
            do throws(JSONError) {
                found = try JSON(contentsOfFile: record)
            } catch {
                throw QuantizationError(file: record, reason: error.reason)
            }
            guard found == stated else {
                throw QuantizationError(
                    file: record,
                    reason: "this folder was begun from another source or with other settings; use another folder"
                )
            }
            isFinished = access(path("config.json"), F_OK) == 0
        } else {
            guard access(path("config.json"), F_OK) != 0 else {
                throw QuantizationError(file: folder, reason: "holds a finished model; use another folder")
            }
            if let there = steps.first(where: { access(path($0.file), F_OK) == 0 }) {
                throw QuantizationError(
                    file: path(there.file),
                    reason: "is there, but no quantize.json says how it was made; use another folder"
                )
            }
            if let stranger = try strangers().first {
                throw QuantizationError(
                    file: path(stranger),
                    reason: "is there, but no quantize.json says how it came here; use an empty folder"
                )
            }
            try put(stated, "quantize.json")
        }
    }

    /// What the folder holds before anything was written.
    private func strangers() throws(QuantizationError) -> [String] {
        guard access(folder, R_OK) == 0 else {
            throw QuantizationError(file: folder, reason: "cannot be read: \(String(cString: strerror(errno)))")
        }
        // What an earlier attempt at quantize.json may have left does not count.
        return Folder.names(in: folder).filter { $0 != "quantize.json.partial" }
    }

    private func copy(_ tensor: TensorView, to writer: SafetensorsWriter) throws(SafetensorsError) {
        let result = tensor.withBytes { bytes in
            Result { () throws(SafetensorsError) in
                for start in stride(from: 0, to: bytes.count, by: 1 << 23) {
                    let piece = bytes[start..<min(start + 1 << 23, bytes.count)]
                    try writer.append(UnsafeRawBufferPointer(rebasing: piece), to: tensor.name)
                }
            }
        }
        try result.get()
        tensor.releasePages()
    }

    private func append(
        _ scale: Float?,
        _ scheme: TensorScheme?,
        _ name: String,
        to writer: SafetensorsWriter
    ) throws {
        guard Self.stores(scheme) else { return }
        guard let scale else {
            throw QuantizationError(file: folder, tensor: name, reason: "the scheme stores it, but none was given")
        }
        let bytes = recipe.scaleType.encode([scale])
        let stored = bytes.withUnsafeBytes { recipe.scaleType.decode($0, count: 1)[0] }
        guard stored > 0, stored.isFinite else {
            throw QuantizationError(file: folder, tensor: name, reason: "\(scale) is no scale that can be stored")
        }
        try writer.append(bytes, to: name)
    }
}
