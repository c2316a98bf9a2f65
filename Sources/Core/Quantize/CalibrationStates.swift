import Glibc

/// The states of the calibration samples before a stage and after it, in two files that are mapped.
///
/// The states before stage k are in file k mod 2, so that a stage never overwrites what it reads, and an interrupted
/// one can be taken again. The kernel writes the pages back when it needs the memory: 128 samples of 1,024 tokens of
/// Llama 2 70B are 4.3 GB in each file.
final class CalibrationStates: @unchecked Sendable {
    /// Bytes of each sample's state.
    let sizes: [Int]

    // Mapped memory that one thread at a time touches.
    private let mappings: [UnsafeMutableRawPointer]
    private let offsets: [Int]
    private let byteCount: Int
    private let paths: [String]

    /// The names of the files.
    static let names = (0..<2).map { "calibration.\($0).states" }

    /// The files in a folder.
    static func paths(in folder: String) -> [String] { names.map { "\(folder)/\($0)" } }

    /// Opens the files, or makes them with all the room that they need.
    ///
    /// - Parameters:
    ///   - folder: Where.
    ///   - sizes: Bytes of each sample's state.
    /// - Throws: `QuantizeError` when there is no room on the disk.
    init(folder: String, sizes: [Int]) throws {
        self.sizes = sizes
        var offsets: [Int] = []
        var end = 0
        for size in sizes {
            offsets.append(end)
            end += (size + 63) / 64 * 64
        }
        self.offsets = offsets
        byteCount = max(1, end)
        paths = Self.paths(in: folder)
        var mappings: [UnsafeMutableRawPointer] = []
        do {
            for path in paths { mappings.append(try Self.map(path, byteCount)) }
        } catch {
            for mapping in mappings { munmap(mapping, byteCount) }
            throw error
        }
        self.mappings = mappings
    }

    deinit { for mapping in mappings { munmap(mapping, byteCount) } }

    private static func map(_ path: String, _ size: Int) throws -> UnsafeMutableRawPointer {
        func failure(_ what: String, _ number: CInt) -> QuantizeError {
            QuantizeError("\(path): \(what): \(String(cString: strerror(number)))", status: .failed)
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("cannot be created", errno) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, size) == 0 else { throw failure("cannot be sized", errno) }
        // Reserved now: a page of a mapping for which there is no room later would end the process.
        let status = posix_fallocate(descriptor, 0, size)
        guard status == 0 else {
            throw failure("no room for the states of the samples, \(size) bytes", status)
        }
        let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw failure("cannot be mapped", errno) }
        return memory
    }

    /// The state of a sample before a stage.
    func before(stage: Int, sample: Int) -> UnsafeMutableRawPointer { mappings[stage % 2] + offsets[sample] }

    /// Brings the states before a stage to the disk.
    func synchronize(before stage: Int) throws {
        guard msync(mappings[stage % 2], byteCount, MS_SYNC) == 0 else {
            throw QuantizeError(
                "\(paths[stage % 2]): cannot be written: \(String(cString: strerror(errno)))",
                status: .failed
            )
        }
    }

    /// Whether the files of an earlier run are there and have the right size.
    static func exist(folder: String, sizes: [Int]) -> Bool {
        let size = max(1, sizes.reduce(0) { $0 + ($1 + 63) / 64 * 64 })
        return paths(in: folder).allSatisfy { path in
            var status = stat()
            return stat(path, &status) == 0 && Int(status.st_size) == size
        }
    }

    /// Removes the files.
    static func remove(folder: String) { for path in paths(in: folder) { unlink(path) } }
}
