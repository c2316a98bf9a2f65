internal import Glibc

/// Reads a text file line by line, without holding more of it than one line.
///
/// Lines end with a line feed; a last line without one is a line too, which ``endedWithoutLineFeed`` tells.  A carriage
/// return before the line feed is left in the line.
public struct LineReader: ~Copyable {
    /// The number of the line that ``next()`` returned last, from 1; 0 before the first.
    public private(set) var line = 0
    /// Whether the line that ``next()`` returned last was ended by the end of the file alone.
    public private(set) var endedWithoutLineFeed = false

    /// What the file is called in errors.
    public let source: String

    /// Lines longer than this are refused, in bytes.
    public static let longestLine = 64 << 20

    private static let chunk = 1 << 16

    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var start = 0
    private var searched = 0
    private var atEnd = false

    /// Opens a regular file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - source: What to call it in errors; the path when nil.
    /// - Throws: ``LineReaderError`` where there is no such file, it cannot be read, or it is a folder or a pipe.
    public init(path: String, source: String? = nil) throws(LineReaderError) {
        self.source = source ?? path
        // A pipe that nobody writes would block the opening for ever.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw LineReaderError(source: self.source, reason: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw LineReaderError(source: self.source, reason: "is not a regular file")
        }
    }

    deinit { close(descriptor) }

    /// The bytes of the next line without its line feed; nil at the end of the file.
    ///
    /// - Throws: ``LineReaderError`` where reading fails or a line is longer than ``longestLine``.
    public mutating func next() throws(LineReaderError) -> ArraySlice<UInt8>? {
        while true {
            if let end = lineFeed() { return take(upTo: end, next: end + 1) }
            searched = buffer.count
            if atEnd {
                guard start < buffer.count else { return nil }
                endedWithoutLineFeed = true
                return take(upTo: buffer.count, next: buffer.count)
            }
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
            guard buffer.count < Self.longestLine else {
                throw LineReaderError(source: "\(source):\(line + 1)", reason: "the line is longer than 64 MiB")
            }
            try fill()
        }
    }

    /// The place of the next line feed that was not yet found; nil if none has been read.
    private func lineFeed() -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, searched < bytes.count,
                let found = memchr(start + searched, Int32(UInt8(ascii: "\n")), bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(found) - start
        }
    }

    private mutating func take(upTo end: Int, next: Int) -> ArraySlice<UInt8> {
        let found = buffer[start..<end]
        start = next
        searched = next
        line += 1
        return found
    }

    private mutating func fill() throws(LineReaderError) {
        var received = -1
        var code: CInt = 0
        withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { bytes in
            repeat {
                received = read(descriptor, bytes.baseAddress, bytes.count)
                code = errno
            } while received < 0 && code == EINTR
            buffer.append(contentsOf: UnsafeRawBufferPointer(bytes)[..<max(received, 0)])
        }
        guard received >= 0 else {
            throw LineReaderError(source: source, reason: "cannot be read: \(String(cString: strerror(code)))")
        }
        atEnd = received == 0
    }
}

/// Why a file's lines cannot be read.
public struct LineReaderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, with `:` and the number of the line where it matters.
    public var source: String
    /// What is wrong.
    public var reason: String

    /// `PATH: cannot be opened: No such file or directory`.
    public var description: String { "\(source): \(reason)" }
}
