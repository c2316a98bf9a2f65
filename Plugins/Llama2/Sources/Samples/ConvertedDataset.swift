import JSON
import PluginAPI

/// The folder that the converter of MLPerf's OpenOrca pickle writes, format `podium-dataset` version 1.
struct ConvertedDataset {
    /// Where dataset.json is.
    let folder: String

    /// Reads the prompts (`tok_input`).
    ///
    /// - Parameter builder: An empty one, with the limits of the model.
    /// - Returns: The prompts, in the order of the source.
    /// - Throws: `JSONError` or `PluginError` that names the file and what is wrong with it.
    func read(_ builder: PromptBuilder) throws -> PromptStore {
        let path = folder + "/dataset.json"
        let description = JSONField(try JSON(contentsOfFile: path), at: path)
        _ = try description["format"].string(oneOf: ["podium-dataset"])
        _ = try description["version"].int(in: 1...1)
        let samples = try description["samples"].int(in: 0...Int(Int32.max))
        let prompts = description["tokens"]["tok_input"]
        let tokens = try prompts["tokens"].int(in: 0...1 << 40)
        let index = try plainName(prompts["idx"])
        let data = try plainName(prompts["bin"])
        let indexBytes = try contents(index, description)
        let dataBytes = try contents(data, description)
        guard dataBytes.count == 4 * tokens else {
            throw PluginError(
                .ioError,
                "\(folder)/\(data): has \(dataBytes.count) bytes, but \(path) states \(tokens) tokens"
            )
        }
        var builder = builder
        let sequences = try IndexedSequences(
            index: indexBytes,
            indexName: folder + "/" + index,
            data: dataBytes,
            dataName: folder + "/" + data,
            count: samples
        )
        for sample in 0..<samples {
            try builder.append(sequences[sample], at: "\(folder)/\(data): sequence \(sample)")
        }
        return try builder.finish(folder)
    }

    private func plainName(_ field: JSONField) throws -> String {
        let name = try field.string()
        guard !name.isEmpty, !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            throw field.error(expected: "the name of a file in the same folder")
        }
        return name
    }

    private func contents(_ name: String, _ description: JSONField) throws -> [UInt8] {
        let bytes = try FileSystem.contents(of: folder + "/" + name)
        if let stated = try description["files"].optional?[name].optional?["bytes"].optional {
            let size = try stated.int(in: 0...Int.max)
            guard size == bytes.count else {
                throw stated.error("states \(size) bytes, but \(folder)/\(name) has \(bytes.count)")
            }
        }
        return bytes
    }
}
