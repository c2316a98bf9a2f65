internal import Glibc
internal import JSON

/// The files of a tree, by paths relative to its root; what the official checker looks at through `os.path`.
struct SubmissionFiles {
    enum Kind { case missing, file, folder, other }

    let root: String

    /// Texts longer than this are not read.
    static let longestText = 64 << 20

    func full(_ path: String) -> String {
        path == "." ? root : root.isEmpty || root.hasSuffix("/") ? root + path : "\(root)/\(path)"
    }

    /// What a path leads to, links followed.
    func kind(_ path: String) -> Kind {
        var status = stat()
        guard stat(full(path), &status) == 0 else { return .missing }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    func exists(_ path: String) -> Bool { kind(path) != .missing }

    func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(full(path), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Size in bytes; 0 for what is not there.
    func size(_ path: String) -> Int {
        var status = stat()
        return stat(full(path), &status) == 0 ? Int(status.st_size) : 0
    }

    /// When a file was changed last, in seconds since 1970; nil for what is not there.
    func changed(_ path: String) -> Int? {
        var status = stat()
        return stat(full(path), &status) == 0 ? Int(status.st_mtim.tv_sec) : nil
    }

    /// Names in a folder, sorted by bytes.
    func names(in path: String) -> [String] {
        guard let folder = opendir(full(path)) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    func folders(in path: String) -> [String] {
        names(in: path).filter { kind(path == "." ? $0 : "\(path)/\($0)") == .folder }
    }

    func files(in path: String) -> [String] { names(in: path).filter { kind("\(path)/\($0)") == .file } }

    /// The whole of a text; nil and a reason where it cannot be had.
    func text(_ path: String) -> (text: String?, fault: String) {
        guard kind(path) == .file else { return (nil, "is no file") }
        guard size(path) <= Self.longestText else { return (nil, "is longer than 64 MiB") }
        let descriptor = open(full(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return (nil, "cannot be opened: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        let chunk = 1 << 16
        while bytes.count <= Self.longestText {
            let received = withUnsafeTemporaryAllocation(byteCount: chunk, alignment: 16) { buffer in
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                bytes.append(contentsOf: UnsafeRawBufferPointer(buffer)[..<max(count, 0)])
                return count
            }
            guard received >= 0 else { return (nil, "cannot be read: \(String(cString: strerror(errno)))") }
            if received == 0 { break }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { return (nil, "is not UTF-8") }
        return (text, "")
    }

    /// A JSON file; nil and a reason where it cannot be had.
    func json(_ path: String) -> (json: JSON?, fault: String) {
        let found = text(path)
        guard let text = found.text else { return (nil, found.fault) }
        do {
            return (try JSON(parsing: text, source: path), "")
        } catch {
            let place = error.position.map { "line \($0.line), column \($0.column): " } ?? ""
            return (nil, "is no JSON: \(place)\(error.reason)")
        }
    }
}
