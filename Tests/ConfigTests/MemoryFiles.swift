import Core

/// Configuration files in memory.
func memory(_ files: [String: String]) -> ConfigFiles {
    ConfigFiles(
        contents: { path in
            guard let text = files[path] else {
                return .failure(ConfigError("the configuration file '\(path)' is not there"))
            }
            return .success(Array(text.utf8))
        },
        names: { folder in
            files.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }.sorted()
        }
    )
}

/// The configuration of some words, over one file `c/f.yaml` if there is a text for it.
func configuration(_ words: [String], yaml: String? = nil) throws -> RunConfiguration {
    guard let yaml else { return try RunConfiguration(words: ["--plugin", "libX.so"] + words, files: memory([:])) }
    let named = ["--plugin", "libX.so", "--config-path", "c", "--config-name", "f"]
    return try RunConfiguration(words: named + words, files: memory(["c/f.yaml": yaml]))
}

/// The message of the error that the words and the file lead to; the configuration, if there is none.
func message(_ words: [String], yaml: String? = nil) -> String {
    do {
        return "\(try configuration(words, yaml: yaml))"
    } catch {
        return "\(error)"
    }
}
