internal import Glibc

/// The bytes of a file, mapped read-only, or bytes in memory that stand for one.
///
/// A file must not be shortened while it is mapped: the operating system then has nothing to give for the lost pages and
/// ends the process with SIGBUS.
final class FileBytes: @unchecked Sendable {
    // Never written after init, so that it may be read from every thread.
    let bytes: UnsafeRawBufferPointer
    /// The path, or what else the bytes are called in errors.
    let path: String
    private let isMapped: Bool

    /// What the memory will be used for, as `madvise` takes it.
    enum Advice {
        case willNeed
        case sequential
        case doNotNeed
    }

    init(mapping path: String) throws(SafetensorsError) {
        self.path = path
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(path, "cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError(file: path, reason: "is not a regular file")
        }
        isMapped = status.st_size > 0
        if isMapped {
            let size = Int(status.st_size)
            guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
                throw Self.failure(path, "cannot be mapped into memory")
            }
            bytes = UnsafeRawBufferPointer(start: start, count: size)
        } else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    init(copying source: some Collection<UInt8>, name: String) {
        path = name
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
        memory.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(memory)
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }

    /// Tells the kernel about a range, widened to whole pages.
    ///
    /// Only a hint: a failure changes nothing but speed.
    func advise(_ advice: Advice, _ range: Range<Int>) {
        guard isMapped, !range.isEmpty, let base = bytes.baseAddress else { return }
        let page = sysconf(CInt(_SC_PAGESIZE))
        let start = range.lowerBound / page * page
        let flag =
            switch advice {
            case .willNeed: MADV_WILLNEED
            case .sequential: MADV_SEQUENTIAL
            case .doNotNeed: MADV_DONTNEED
            }
        madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, flag)
    }

    private static func failure(_ path: String, _ what: String) -> SafetensorsError {
        SafetensorsError(file: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }
}
