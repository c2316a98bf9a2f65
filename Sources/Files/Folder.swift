public import Glibc

/// Folders by their paths.
public enum Folder {
    /// Makes a folder with all that it lies in.
    ///
    /// - Parameters:
    ///   - path: The folder; one that is there already is left as it is.
    ///   - permissions: Of the folders that are made, before the process's mask.
    /// - Throws: `FileError` naming the part that cannot be made or is no folder.
    public static func make(_ path: String, permissions: mode_t = 0o777) throws(FileError) {
        guard !path.isEmpty else { throw FileError(path: "\"\"", reason: "a folder needs a name") }
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made == "/" ? "" : "/") + part
            if mkdir(made, permissions) == 0 { continue }
            let code = errno
            // Systems differ in what they say of a folder that is there and could not be made.
            guard !isThere(made) else { continue }
            if code == EEXIST { throw FileError(path: made, reason: "is there and is no folder") }
            throw FileError(made, "cannot be made", code)
        }
    }

    /// Whether a path is a folder's.
    public static func isThere(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The folder that a path lies in: "a/b" for "a/b/c" and "a/b/c/", "." for "a".
    public static func parent(of path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        while parts.last?.isEmpty == true { parts.removeLast() }
        guard parts.count > 1 else { return path.hasPrefix("/") ? "/" : "." }
        let folder = parts.dropLast().joined(separator: "/")
        return folder.isEmpty ? "/" : folder
    }

    /// The names in a folder, sorted; none where it cannot be read.
    public static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a folder of this process's own under `TMPDIR`, else `/tmp`.
    ///
    /// - Parameter name: What its name begins with.
    /// - Returns: Its path.
    /// - Throws: `FileError`.
    public static func makeTemporary(_ name: String) throws(FileError) -> String {
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        let base = named.isEmpty ? "/tmp" : named
        var template = Array("\(base)/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError(base, "no folder can be made in it") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a folder of files.
    ///
    /// - Parameter path: The folder; where it holds folders it stays.
    public static func removeWithFiles(_ path: String) {
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
