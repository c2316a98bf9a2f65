import JSON

/// What a model and a data set consist of: files with their sizes and hashes.
///
/// The file is JSON: `{"format": 1, "files": [{"root": "model", "path": "config.json", "size": 641, "sha256": "..."}]}`.
/// `md5` may stand beside or instead of `sha256`.  A data set that is a file has the path `.`; `source_md5` in an entry says
/// which source the described data set was converted from (member `source.md5` of the file, which is JSON).
struct ResourceManifest: Sendable, Equatable {
    /// What an entry's path is relative to.
    enum Root: String, Sendable, CaseIterable {
        case model
        case dataset
    }

    /// One file.
    struct Entry: Sendable, Equatable {
        var root: Root
        /// Relative to the root; `.` is the root itself.
        var path: String
        /// In bytes; nil: not stated.
        var size: Int?
        /// 64 lower-case hexadecimal digits.
        var sha256: String?
        /// 32 lower-case hexadecimal digits.
        var md5: String?
        /// MD5 of what the file was converted from.
        var sourceMD5: String?
    }

    /// The files in order.
    var entries: [Entry]

    /// A manifest of known entries.
    init(entries: [Entry]) { self.entries = entries }

    /// Reads a manifest.
    ///
    /// - Parameter path: The file.
    /// - Throws: `ConfigError` naming file and member.
    init(path: String) throws(ConfigError) {
        do {
            let field = JSONField(try JSON(contentsOfFile: path), at: path)
            _ = try field["format"].int(in: 1...1)
            entries = []
            for file in try field["files"].array() { entries.append(try Self.entry(file)) }
        } catch let error as JSONError {
            throw ConfigError("\(error)", key: ConfigKey.resourceManifest.name)
        } catch let error as ConfigError {
            throw error
        } catch {
            throw ConfigError("\(path): \(error)", key: ConfigKey.resourceManifest.name)
        }
    }

    private static func entry(_ file: JSONField) throws -> Entry {
        let root = Root(rawValue: try file["root"].string(oneOf: Root.allCases.map(\.rawValue))) ?? .model
        let path = try file["path"].string()
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path == "." || (!parts.contains("..") && !parts.contains("")) else {
            throw ConfigError("\(file.path): '\(path.shortened(to: 120))' does not lie within its root")
        }
        let entry = Entry(
            root: root,
            path: path,
            size: try file["size"].optional?.int(in: 0...),
            sha256: try digest(file["sha256"], digits: 64),
            md5: try digest(file["md5"], digits: 32),
            sourceMD5: try digest(file["source_md5"], digits: 32)
        )
        guard entry.sha256 != nil || entry.md5 != nil || entry.sourceMD5 != nil else {
            throw ConfigError("\(file.path) has no hash: sha256, md5 or source_md5")
        }
        return entry
    }

    private static func digest(_ field: JSONField, digits: Int) throws -> String? {
        guard let text = try field.optional?.string().lowercased() else { return nil }
        guard text.utf8.count == digits, text.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
            throw ConfigError("\(field.path): expected \(digits) hexadecimal digits")
        }
        return text
    }

    /// The file's content.
    var json: JSON {
        let files = entries.map { entry in
            var members: [(String, JSON)] = [("root", .string(entry.root.rawValue)), ("path", .string(entry.path))]
            if let size = entry.size { members.append(("size", JSON(size))) }
            if let hash = entry.sha256 { members.append(("sha256", .string(hash))) }
            if let hash = entry.md5 { members.append(("md5", .string(hash))) }
            if let hash = entry.sourceMD5 { members.append(("source_md5", .string(hash))) }
            return JSON.object(JSONObject(members))
        }
        return ["format": 1, "files": .array(files)]
    }
}
