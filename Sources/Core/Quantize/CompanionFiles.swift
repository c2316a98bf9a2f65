import Glibc
import Quantization

/// The files of a model folder that a quantised copy takes over as they are: tokenizer, generation settings, licence.
struct CompanionFiles {
    /// What is larger is no tokenizer and the like, in bytes.
    static let sizeLimit = 256 << 20

    private static let weightEndings = [
        ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth", ".gguf", ".onnx", ".h5",
        ".msgpack", ".partial",
    ]

    /// Names that mean something to `host quantize` in its output, and so never come from the model.
    private static let ours = ["config.json", "quantize.json", CalibrationRecord.name] + CalibrationStates.names

    /// The names of the files, sorted.
    let names: [String]
    /// The names of those that are left out because of their size, sorted.
    let tooLarge: [String]

    private let folder: String

    /// Looks into a model folder.
    ///
    /// - Throws: `QuantizeError` when the folder cannot be read.
    init(of folder: String) throws {
        self.folder = folder
        guard let entries = opendir(folder) else {
            throw QuantizeError("\(folder): cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(entries) }
        var names: [String] = []
        var tooLarge: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    String(cString: $0)
                }
            }
            var status = stat()
            guard stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            guard !Self.ours.contains(name), !name.hasPrefix("."),
                !Self.weightEndings.contains(where: { name.hasSuffix($0) })
            else { continue }
            if Int(status.st_size) > Self.sizeLimit { tooLarge.append(name) } else { names.append(name) }
        }
        self.names = names.sorted()
        self.tooLarge = tooLarge.sorted()
    }

    /// Whether an earlier run has copied a file: its size is the source's, and it is not older.
    func isCopied(_ name: String, to target: String) -> Bool {
        var (source, copy) = (stat(), stat())
        guard stat("\(folder)/\(name)", &source) == 0, stat("\(target)/\(name)", &copy) == 0 else { return false }
        return source.st_size == copy.st_size
            && (source.st_mtim.tv_sec, source.st_mtim.tv_nsec) <= (copy.st_mtim.tv_sec, copy.st_mtim.tv_nsec)
    }

    /// Copies a file; it has its name only when it is whole.
    ///
    /// - Throws: `QuantizeError` with the path and the system's reason.
    func copy(_ name: String, to target: String) throws {
        let (from, to) = ("\(folder)/\(name)", "\(target)/\(name)")
        func failure(_ path: String, _ what: String) -> QuantizeError {
            QuantizeError("\(path): \(what): \(String(cString: strerror(errno)))", status: .failed)
        }
        let reading = open(from, O_RDONLY | O_CLOEXEC)
        guard reading >= 0 else { throw failure(from, "cannot be opened") }
        defer { close(reading) }
        let partial = to + ".partial"
        let writing = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard writing >= 0 else { throw failure(partial, "cannot be created") }
        var isOpen = true
        defer {
            if isOpen { close(writing) }
            unlink(partial)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(reading, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(from, "cannot be read") }
            if count == 0 { break }
            var offset = 0
            while offset < count {
                let written = buffer.withUnsafeBytes {
                    write(writing, $0.baseAddress.map { $0 + offset }, count - offset)
                }
                if written < 0, errno == EINTR { continue }
                guard written >= 0 else { throw failure(partial, "cannot be written") }
                offset += written
            }
        }
        guard fsync(writing) == 0 else { throw failure(partial, "cannot be written") }
        isOpen = false
        guard close(writing) == 0, rename(partial, to) == 0 else { throw failure(to, "cannot be put in place") }
    }
}
