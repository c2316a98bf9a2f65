import Glibc
import PluginAPI

/// The bytes of a file, mapped: pages that nobody looks at take no memory.
final class MappedFile: @unchecked Sendable {
    /// The content; it lives as long as this object and does not change.
    let bytes: UnsafeRawBufferPointer

    /// - Throws: `PluginError` with the path and the system's reason.
    init(path: String) throws {
        func failure(_ what: String) -> PluginError {
            PluginError(.ioError, "\(path): \(what): \(String(cString: strerror(errno)))")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw PluginError(.ioError, "\(path): is not a regular file") }
        guard status.st_size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let size = Int(status.st_size)
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw failure("cannot be mapped")
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
