internal import Glibc

/// How configuration files are read: from the disk, or from memory in tests.
public struct ConfigFiles: Sendable {
    /// A larger file is no configuration.
    public static let maximumBytes = 256 << 10

    /// The bytes of a file, or nil with a reason.
    public var contents: @Sendable (_ path: String) -> Result<[UInt8], ConfigError>
    /// The names in a folder, empty when it cannot be read; used for suggestions alone.
    public var names: @Sendable (_ folder: String) -> [String]

    /// - Parameters:
    ///   - contents: Gives the bytes of a file.
    ///   - names: Gives the names in a folder.
    public init(
        contents: @escaping @Sendable (_ path: String) -> Result<[UInt8], ConfigError>,
        names: @escaping @Sendable (_ folder: String) -> [String] = { _ in [] }
    ) {
        self.contents = contents
        self.names = names
    }

    /// The file system.
    ///
    /// Relative paths are relative to the working directory.
    public static let disk = ConfigFiles(
        contents: { path in
            do throws(ConfigError) {
                return .success(try bytes(of: path))
            } catch {
                return .failure(error)
            }
        },
        names: { folder in
            guard let stream = opendir(folder) else { return [] }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream), names.count < 4096 {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                names.append(name)
            }
            return names.sorted()
        }
    )

    private static func bytes(of path: String) throws(ConfigError) -> [UInt8] {
        func failure(_ reason: String) -> ConfigError { ConfigError("the configuration file '\(path)' \(reason)") }
        // O_NONBLOCK: a named pipe must not hang the program before it is recognised as no regular file.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot be opened: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw failure("is no regular file")
        }
        var bytes: [UInt8] = []
        while bytes.count <= maximumBytes {
            var piece = [UInt8](repeating: 0, count: 1 << 16)
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read: \(String(cString: strerror(errno)))") }
            guard count > 0 else { return bytes }
            bytes += piece.prefix(count)
        }
        throw failure("has more than \(maximumBytes) bytes: no configuration")
    }
}
