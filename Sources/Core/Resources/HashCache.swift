import Files
import Glibc
import JSON

/// Hashes of files that were read before, by path, size, time of change, inode and device.
///
/// It spares reading a large model before every run.  Deleting the file is always safe.
struct HashCache {
    private struct Known {
        var identity: FileIdentity
        var hashes: [String: String]
    }

    /// Where it is kept.
    let path: String
    private var known: [String: Known] = [:]
    private var isChanged = false

    /// In the user's cache folder; nil without a home.
    static var usualPath: String? { CacheFolder.path("hashes.json") }

    /// Reads the cache; one that is not there or cannot be understood is empty.
    init(path: String) {
        self.path = path
        guard access(path, R_OK) == 0, let json = try? JSON(contentsOfFile: path) else { return }
        guard let files = try? JSONField(json, at: path)["files"].array() else { return }
        for file in files {
            guard
                let name = try? file["path"].string(), let size = try? file["size"].int(),
                let changed = try? file["changed_ns"].int(), let inode = try? file["inode"].uint64(),
                let device = try? file["device"].uint64(), let hashes = try? file["hashes"].members()
            else { continue }
            var identity = FileIdentity()
            (identity.size, identity.changed, identity.inode, identity.device) = (size, changed, inode, device)
            var values: [String: String] = [:]
            for (kind, value) in hashes { values[kind] = try? value.string() }
            known[name] = Known(identity: identity, hashes: values)
        }
    }

    /// The hash that a file has had since it was last read.
    func hash(_ kind: String, of path: String, _ identity: FileIdentity) -> String? {
        guard let entry = known[path], entry.identity == identity else { return nil }
        return entry.hashes[kind]
    }

    /// Remembers a hash, unless the file is so young that a change within the clock's grain would not be seen.
    mutating func remember(_ kind: String, _ hash: String, of path: String, _ identity: FileIdentity) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        guard now.tv_sec - identity.changed / 1_000_000_000 > 2 else { return }
        var hashes = known[path].flatMap { $0.identity == identity ? $0.hashes : nil } ?? [:]
        hashes[kind] = hash
        known[path] = Known(identity: identity, hashes: hashes)
        isChanged = true
    }

    /// Writes what was added; a cache that cannot be written costs time and nothing else.
    func save() {
        guard isChanged else { return }
        try? Folder.make(Folder.parent(of: path), permissions: 0o700)
        let files = known.sorted { $0.key < $1.key }.map { name, entry in
            JSON.object(
                JSONObject([
                    ("path", .string(name)), ("size", JSON(entry.identity.size)),
                    ("changed_ns", JSON(entry.identity.changed)), ("inode", JSON(entry.identity.inode)),
                    ("device", JSON(entry.identity.device)),
                    (
                        "hashes",
                        .object(JSONObject(entry.hashes.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
                    ),
                ])
            )
        }
        let text = JSON.object(JSONObject([("files", .array(files))])).text(pretty: true) + "\n"
        try? WholeFile.write(text, to: path, isShared: true)
    }
}
