import PluginAPI
import Tokenizers

/// Reads the data set formats that Dataset/README.md describes.
struct PromptFiles {
    /// What `--dataset` names.
    let path: String
    /// For data sets of text.
    let tokenizer: (any Tokenizer)?
    /// One more than the largest id that the model knows, if that is known here.
    let vocabulary: Int?
    /// Positions of the model, if they are known here.
    let context: Int?

    /// Reads all prompts.
    ///
    /// - Throws: `PluginError` or `JSONError` that names file, place and fault.
    func read() throws -> PromptStore {
        guard FileSystem.exists(path) else { throw PluginError(.notFound, "\(path): there is no such data set") }
        if FileSystem.isFolder(path) {
            guard FileSystem.exists(path + "/dataset.json") else {
                throw PluginError(
                    .ioError,
                    """
                    \(path): holds no dataset.json: it is not a data set, or its conversion did not finish \
                    (Plugins/Llama2/Dataset/README.md)
                    """
                )
            }
            return try ConvertedDataset(folder: path).read(PromptBuilder(vocabulary: vocabulary, context: context))
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if name == "dataset.json" {
            let folder = String(path.dropLast(name.utf8.count))
            return try ConvertedDataset(folder: folder.isEmpty ? "." : folder)
                .read(PromptBuilder(vocabulary: vocabulary, context: context))
        }
        guard name.hasSuffix(".jsonl") else {
            throw PluginError(
                .ioError,
                """
                \(path): expected a folder with dataset.json, or a file that ends in .jsonl; a pickle is converted \
                first, see Plugins/Llama2/Dataset/README.md
                """
            )
        }
        return try readLines()
    }
}
