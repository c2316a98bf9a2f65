internal import Glibc
internal import RunRecords

/// The accuracy log as a submission carries it: its beginning and its end, since the whole is too large.
///
/// Source: tools/submission/truncate_accuracy_log.py of mlcommons/inference keeps 4096 bytes of each end.
enum AccuracyLogCopy {
    static let kept = 4096
    static let gap = "\n\n...\n\n"

    /// Whether a log was truncated already.
    static func isTruncated(_ bytes: [UInt8]) -> Bool {
        let mark = Array(gap.utf8)
        guard bytes.count >= mark.count else { return false }
        return (0...(bytes.count - mark.count)).contains { bytes[$0...].starts(with: mark) }
    }

    /// The SHA-256 of a file and its two ends.
    ///
    /// - Returns: nil where the file cannot be read.
    static func read(_ path: String) -> (digest: String, head: [UInt8], tail: [UInt8], size: Int)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var hash = SHA256()
        var head: [UInt8] = []
        var tail: [UInt8] = []
        var size = 0
        while true {
            let received = withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                guard count > 0 else { return count }
                let bytes = UnsafeRawBufferPointer(buffer)[..<count]
                hash.update(UnsafeRawBufferPointer(rebasing: bytes))
                if head.count < kept { head += bytes.prefix(kept - head.count) }
                tail += bytes.suffix(kept)
                if tail.count > kept { tail.removeFirst(tail.count - kept) }
                return count
            }
            guard received >= 0 else { return nil }
            if received == 0 { break }
            size += received
        }
        return (hash.hexadecimal(), head, tail, size)
    }
}
