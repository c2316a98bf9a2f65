import Glibc

/// What tells a file from what it was before, short of reading it.
struct FileIdentity: Sendable, Equatable {
    /// In bytes.
    var size: Int
    /// Time of the last change of its content, in nanoseconds.
    var changed: Int
    var inode: UInt64
    var device: UInt64

    /// Nothing yet.
    init() { (size, changed, inode, device) = (0, 0, 0, 0) }

    /// Looks at a file; nil where it is none or cannot be seen.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        size = Int(status.st_size)
        changed = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
    }
}
