import Glibc

/// A temporary folder with links to everything in a model folder but its weights, as a head's machine may have it.
struct FolderWithoutWeights {
    let path: String
    private static let weights = [".safetensors", ".bin", ".pt", ".pth", ".gguf"]

    init(of model: String) throws {
        var template = Array("/tmp/podium-head-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } }
        guard let made, let real = realpath(model, nil) else {
            throw Breach("cannot make a folder without weights: \(String(cString: strerror(errno)))")
        }
        path = String(cString: made)
        defer { free(real) }
        let source = String(cString: real)
        for name in FolderWithoutWeights.names(in: source)
        where !FolderWithoutWeights.weights.contains(where: name.hasSuffix) {
            symlink("\(source)/\(name)", "\(path)/\(name)")
        }
    }

    func remove() {
        for name in FolderWithoutWeights.names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
