import Glibc
import JSON
import RunRecords

/// Compares model and data set with a manifest before a run.
struct ResourceChecker {
    /// Folder of the model; nil if the run has none.
    var model: String?
    /// File or folder of the data set; nil if the run has none.
    var dataset: String?
    /// Where hashes of files that have not changed are kept; nil: everything is read.
    var cachePath: String?
    /// Told of what takes long.
    var progress: (String) -> Void = { _ in }

    /// Checks every file of a manifest.
    ///
    /// - Parameter path: The manifest.
    /// - Returns: How many files were compared and what differs.
    /// - Throws: `ConfigError` for a manifest that cannot be read; what is wrong with model or data set is a finding.
    func check(_ path: String) throws(ConfigError) -> ResourceCheck {
        let manifest = try ResourceManifest(path: path)
        var outcome = ResourceCheck(manifest: path, checkedFiles: 0, mismatches: [])
        var cache = cachePath.map { HashCache(path: $0) }
        for root in ResourceManifest.Root.allCases where folder(root) != nil {
            if !manifest.entries.contains(where: { $0.root == root }) {
                outcome.mismatches.append("the manifest lists no file of the \(root.rawValue)")
            }
        }
        for (number, entry) in manifest.entries.enumerated() {
            let finding = compare(entry, "file \(number + 1) of \(manifest.entries.count)", &cache)
            if let finding { outcome.mismatches.append(finding) }
            outcome.checkedFiles += 1
        }
        cache?.save()
        return outcome
    }

    private func folder(_ root: ResourceManifest.Root) -> String? { root == .model ? model : dataset }

    private func compare(_ entry: ResourceManifest.Entry, _ place: String, _ cache: inout HashCache?) -> String? {
        guard let folder = folder(entry.root) else {
            return "\(entry.root.rawValue): the manifest lists \(entry.path), and the run has no \(entry.root.rawValue)"
        }
        let path = entry.path == "." ? folder : "\(folder)/\(entry.path)"
        guard let identity = FileIdentity(path: path) else { return "\(path) is missing or no file" }
        if let size = entry.size, size != identity.size {
            return "\(path) has \(identity.size) bytes, \(size) in the manifest"
        }
        if let wanted = entry.sourceMD5 {
            let found = try? JSONField(try JSON(contentsOfFile: path), at: path)["source"]["md5"].string()
            guard found == wanted else {
                return "\(path) describes data from a source with MD5 \(found ?? "unknown"), \(wanted) in the manifest"
            }
        }
        for (kind, wanted) in [("sha256", entry.sha256), ("md5", entry.md5)] {
            guard let wanted else { continue }
            let name = realPath(path)
            if let found = cache?.hash(kind, of: name, identity) {
                if found != wanted { return "\(path): \(kind) is \(found), \(wanted) in the manifest" }
                continue
            }
            do {
                let found = try FileHash.of(path, kind: kind) { done in
                    progress("checking \(path) (\(place)): \(done / 1_000_000) of \(identity.size / 1_000_000) MB")
                }
                // A file that changed while it was read has neither hash.
                guard FileIdentity(path: path) == identity else { return "\(path) changed while it was checked" }
                cache?.remember(kind, found, of: name, identity)
                if found != wanted { return "\(path): \(kind) is \(found), \(wanted) in the manifest" }
            } catch {
                return "\(path) cannot be read: \(error)"
            }
        }
        return nil
    }

    private func realPath(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// Hashes of whole files.
enum FileHash {
    /// The hash of a file, which is read piece by piece.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - kind: `sha256` or `md5`.
    ///   - progress: Told every few seconds how many bytes are done.
    /// - Returns: Lower-case hexadecimal digits.
    /// - Throws: `LoadGenError.configurationFile` where the system refuses.
    static func of(_ path: String, kind: String, progress: (Int) -> Void = { _ in }) throws(LoadGenError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .configurationFile(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var sha = SHA256()
        var md5 = MD5()
        var done = 0
        var told = MonotonicClock.now()
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .configurationFile(path: path, reason: String(cString: strerror(errno)))
            }
            if count == 0 { break }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if kind == "md5" { md5.update(piece) } else { sha.update(piece) }
            done += count
            if MonotonicClock.now() - told > 3_000_000_000 {
                told = MonotonicClock.now()
                progress(done)
            }
        }
        return kind == "md5" ? md5.hexadecimal() : sha.hexadecimal()
    }
}
