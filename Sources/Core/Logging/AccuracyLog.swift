import Glibc
import Synchronization

/// `mlperf_log_accuracy.json`: the responses, written by a thread of its own while the run goes on.
final class AccuracyLog: Sendable {
    /// Where completing threads put their responses.
    let mailbox: ResponseMailbox

    private let file: LogFile
    private let hasTokens: Bool
    private let wantsFirstTokens: Bool
    private let isFinishing = Atomic<Bool>(false)
    private let thread = Mutex<BackgroundThread?>(nil)

    /// Writer's own state; only its thread, and `finish` after that has ended, touch it.
    private struct Line {
        var needsComma = false
        var bytes: [UInt8] = []
    }
    private let line = Mutex(Line())

    /// - Parameters:
    ///   - path: The file.
    ///   - hasTokens: Whether entries carry token counts.
    ///   - wantsFirstTokens: Whether entries carry the first token too.
    /// - Throws: `LoadGenError.logFile` where the file cannot be made.
    init(path: String, hasTokens: Bool, wantsFirstTokens: Bool) throws {
        file = try LogFile(path: path)
        self.hasTokens = hasTokens
        self.wantsFirstTokens = hasTokens && wantsFirstTokens
        mailbox = ResponseMailbox(hasTokens: hasTokens, wantsFirstTokens: hasTokens && wantsFirstTokens)
        file.append("[")
    }

    var failure: String? { file.failure.map { "\(file.path): \($0)" } }

    /// Starts the writer.
    func start() throws {
        let started = try BackgroundThread { [self] in writeLoop() }
        thread.withLock { $0 = started }
    }

    private func writeLoop() {
        while !isFinishing.load(ordering: .acquiring) {
            if !writeWaiting() {
                usleep(10_000)
            }
        }
    }

    private func writeWaiting() -> Bool {
        line.withLock { line in
            mailbox.drain { entry in
                write(entry, &line)
            }
        }
    }

    private func write(_ entry: ResponseMailbox.Entry, _ line: inout Line) {
        line.bytes.removeAll(keepingCapacity: true)
        line.bytes.append(contentsOf: (line.needsComma ? ",\n" : "\n").utf8)
        line.bytes.append(
            contentsOf: "{ \"seq_id\" : \(entry.sample), \"qsl_idx\" : \(entry.index), \"data\" : \"".utf8
        )
        Self.appendHex(entry.data, to: &line.bytes)
        line.bytes.append(UInt8(ascii: "\""))
        if wantsFirstTokens {
            line.bytes.append(contentsOf: ", \"token_data\" : \"".utf8)
            Self.appendHex(entry.firstToken, to: &line.bytes)
            line.bytes.append(UInt8(ascii: "\""))
        }
        if hasTokens {
            line.bytes.append(contentsOf: ", \"token_count\" : \(Int64(truncatingIfNeeded: entry.tokenCount))".utf8)
        }
        line.bytes.append(contentsOf: " }".utf8)
        line.needsComma = true
        file.append(line.bytes)
    }

    private static func appendHex(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        let digits: StaticString = "0123456789ABCDEF"
        text.reserveCapacity(text.count + 2 * bytes.count + 64)
        for byte in bytes {
            text.append(digits.utf8Start[Int(byte >> 4)])
            text.append(digits.utf8Start[Int(byte & 15)])
        }
    }

    /// Ends the writer, writes what is left, and closes the file.
    func finish() {
        mailbox.close()
        isFinishing.store(true, ordering: .releasing)
        let handle = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        handle?.join()
        _ = writeWaiting()
        file.append("\n]\n")
        file.finish()
    }
}
