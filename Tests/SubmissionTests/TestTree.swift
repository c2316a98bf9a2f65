import Glibc
import JSON

/// A copy of the recorded tree in a folder that is removed at the end.
final class TestTree {
    /// Fixtures, relative to the package, where tests are run.
    static let fixtures = "Tests/SubmissionTests/Fixtures"

    let path: String

    init(copying source: String? = "\(TestTree.fixtures)/tree") {
        var template = Array("/tmp/podium-submission-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
        if let source { Self.copy(source, "\(path)/tree") }
    }

    deinit { Self.remove(path) }

    var tree: String { "\(path)/tree" }

    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func read(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "rb") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func text(_ path: String) -> String { String(decoding: read(path), as: UTF8.self) }

    static func write(_ path: String, _ bytes: [UInt8]) {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        makeFolder(folder)
        // A file that shares its content with another tree is replaced, never written to.
        unlink(path)
        guard let file = fopen(path, "wb") else { return }
        _ = fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }

    static func makeFolder(_ path: String) {
        var part = ""
        for name in path.split(separator: "/", omittingEmptySubsequences: false) {
            part += part.isEmpty && !path.hasPrefix("/") ? name : "/\(name)"
            if part != "/" { mkdir(part, 0o755) }
        }
    }

    static func copy(_ source: String, _ target: String) {
        guard isFolder(source) else { return write(target, read(source)) }
        makeFolder(target)
        for name in names(source) { copy("\(source)/\(name)", "\(target)/\(name)") }
    }

    /// The tree again, its files shared: nothing is copied, and a change of one leaves the other.
    static func share(_ source: String, _ target: String) {
        guard isFolder(source) else {
            link(source, target)
            return
        }
        mkdir(target, 0o755)
        for name in names(source) { share("\(source)/\(name)", "\(target)/\(name)") }
    }

    /// Makes a shared tree the same as its source again, whatever was changed; what is the same is left alone.
    static func restore(_ target: String, as source: String) {
        guard isFolder(source), isFolder(target) else {
            var (first, second) = (stat(), stat())
            if lstat(source, &first) == 0, lstat(target, &second) == 0, first.st_ino == second.st_ino { return }
            remove(target)
            return share(source, target)
        }
        let names = names(source)
        for name in Self.names(target) where !names.contains(name) { remove("\(target)/\(name)") }
        for name in names { restore("\(target)/\(name)", as: "\(source)/\(name)") }
    }

    static func remove(_ path: String) {
        if isFolder(path) {
            for name in names(path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// Every file below a folder.
    static func files(below path: String) -> [String] {
        names(path).flatMap { name in
            isFolder("\(path)/\(name)") ? files(below: "\(path)/\(name)") : ["\(path)/\(name)"]
        }
    }
}
