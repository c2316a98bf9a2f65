internal import Files
internal import Glibc

extension PlannedTree {
    /// Writes the tree beside where it belongs and puts it there when it is whole.
    ///
    /// - Parameter output: The folder, which must not be there.
    /// - Throws: ``SubmissionError`` naming the file that is in the way or cannot be written.
    func write(to output: String) throws(SubmissionError) {
        guard access(output, F_OK) != 0 else {
            throw SubmissionError(what: output, reason: "is there already; remove it or name another folder")
        }
        let part = "\(output).unfinished"
        guard access(part, F_OK) != 0 else {
            throw SubmissionError(what: part, reason: "is left of an attempt that was broken off; remove it")
        }
        for (path, content) in files {
            let target = "\(part)/\(path)"
            do throws(FileError) {
                try Folder.make(Folder.parent(of: target))
            } catch {
                throw SubmissionError(what: error.path, reason: error.reason)
            }
            switch content {
            case .bytes(let bytes): try Self.write(bytes, to: target)
            case .copy(let source): try Self.copy(source, to: target)
            }
        }
        guard rename(part, output) == 0 else { throw Self.failure(output) }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(SubmissionError) {
        guard let file = fopen(path, "we") else { throw failure(path) }
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw failure(path) }
    }

    private static func copy(_ source: String, to path: String) throws(SubmissionError) {
        guard let input = fopen(source, "re") else { throw failure(source) }
        defer { fclose(input) }
        guard let output = fopen(path, "we") else { throw failure(path) }
        let isCopied = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            while true {
                let count = fread(buffer.baseAddress, 1, buffer.count, input)
                if count == 0 { return ferror(input) == 0 }
                if fwrite(buffer.baseAddress, 1, count, output) != count { return false }
            }
        }
        guard fclose(output) == 0, isCopied else { throw failure(path) }
    }

    private static func failure(_ path: String) -> SubmissionError {
        SubmissionError(what: path, reason: String(cString: strerror(errno)))
    }
}
