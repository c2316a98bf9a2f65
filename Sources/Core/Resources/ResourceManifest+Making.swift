public import JSON

import Glibc

/// Makes the manifest of a model and a data set, for `host manifest`.
public struct ResourceListing: Sendable {
    /// The manifest's content.
    public let json: JSON

    /// Reads every file.
    ///
    /// Files and folders whose names begin with a dot are left out, as are links to folders.
    ///
    /// - Parameters:
    ///   - model: Folder of the model; nil: none.
    ///   - dataset: File or folder of the data set; nil: none.
    ///   - progress: Told of each file.
    /// - Throws: `ConfigError` where there is nothing to list, `LoadGenError` where a file cannot be read.
    public init(model: String?, dataset: String?, progress: (String) -> Void) throws {
        var entries: [ResourceManifest.Entry] = []
        for (root, folder) in [(ResourceManifest.Root.model, model), (.dataset, dataset)] {
            guard let folder else { continue }
            let files = FileIdentity(path: folder) == nil ? try Self.files(in: folder) : ["."]
            guard !files.isEmpty else { throw ConfigError("\(folder) is no file and holds none", key: root.rawValue) }
            for file in files {
                let path = file == "." ? folder : "\(folder)/\(file)"
                progress(path)
                entries.append(
                    ResourceManifest.Entry(
                        root: root,
                        path: file,
                        size: FileIdentity(path: path)?.size,
                        sha256: try FileHash.of(path, kind: "sha256")
                    )
                )
            }
        }
        guard !entries.isEmpty else { throw ConfigError("nothing to list: give --model DIR, --dataset FILE or both") }
        json = ResourceManifest(entries: entries).json
    }

    /// The files of a folder and those below it, sorted.
    private static func files(in folder: String, depth: Int = 0) throws -> [String] {
        guard depth < 8 else {
            throw ConfigError("\(folder): folders are nested deeper than 8; a manifest would leave files out")
        }
        guard let stream = opendir(folder) else {
            throw ConfigError("\(folder): \(String(cString: strerror(errno))); a manifest would leave its files out")
        }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        closedir(stream)
        return try names.sorted().flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            if FileIdentity(path: path) != nil { return [name] }
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return [] }
            return try files(in: path, depth: depth + 1).map { "\(name)/\($0)" }
        }
    }
}
