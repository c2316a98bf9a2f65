import CPluginAPI
import Glibc
import JSON
import Synchronization

/// Writes every result of a run to a file, one JSON object a line, while the results go on to whoever judges them.
///
/// `{"index": 7, "id": 4294967304, "tokens": 64, "text": "..."}`; a result that is no text has `data` in hexadecimal digits
/// instead, and a failed one has `status`.  A thread formats and writes.  Copying costs time, so such a run is no submission.
final class ModelOutputFile: ResponseSink {
    /// Turns token ids into text; nil where the workload has none.
    typealias Decoder = @Sendable ([UInt32]) throws -> [UInt8]

    private struct Result {
        var id: UInt64
        var index: UInt64?
        var status: mlp_status
        var tokens: UInt64
        var data: [UInt8]
    }

    private struct State {
        var indices: [UInt64: UInt64] = [:]
        var pending: [Result] = []
        var pendingBytes = 0
        var isEnding = false
        /// The plugin may be gone: what is left is written as it came.
        var isLate = false
        var failure: String?
    }

    /// Results that wait to be written hold at most so many bytes; then completions wait.
    private static let mostPending = 256 << 20

    private let path: String
    private let sink: any ResponseSink
    private let decode: Decoder?
    private let state = Mutex(State())
    private let ended = Semaphore()

    /// Creates the file.
    ///
    /// - Parameters:
    ///   - path: The file; an earlier one is replaced.
    ///   - sink: Where results go on to.
    ///   - decode: Turns token ids into text.
    /// - Throws: `LoadGenError.logFile`.
    init(path: String, sink: any ResponseSink, decode: Decoder?) throws(LoadGenError) {
        self.path = path
        self.sink = sink
        self.decode = decode
        guard let file = fopen(path, "we") else {
            throw .logFile(path: path, reason: String(cString: strerror(errno)))
        }
        nonisolated(unsafe) let stream = file
        startThread(name: "model-output") { [self] in
            writeAll(to: stream)
            if fclose(stream) != 0 { state.withLock { $0.failure = String(cString: strerror(errno)) } }
            ended.signal()
        }
    }

    /// Notes which samples the ids to come stand for.
    func willIssue(_ samples: UnsafeBufferPointer<IssuedSample>) {
        state.withLock { state in
            for sample in samples { state.indices[sample.id] = sample.index }
        }
    }

    func firstToken(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        sink.firstToken(results, count)
    }

    func complete(_ results: UnsafePointer<mlp_result>?, _ count: UInt64) -> mlp_status {
        // The clock is read there first.
        let status = sink.complete(results, count)
        // The ledger refuses more than that without reading any.
        guard let results, count <= UInt64(UInt32.max) else { return status }
        let count = Int(count)
        let copies = (0..<count).map { place -> Result in
            let result = results[place]
            let isReadable = result.data.isReadable && result.data.size > 0
            let bytes =
                isReadable ? Array(UnsafeRawBufferPointer(start: result.data.data, count: Int(result.data.size))) : []
            return Result(id: result.id, status: result.status, tokens: result.token_count, data: bytes)
        }
        while state.withLock({ $0.pendingBytes > Self.mostPending && $0.failure == nil }) { usleep(1000) }
        state.withLock { state in
            guard !state.isEnding else { return }
            for var copy in copies {
                copy.index = state.indices.removeValue(forKey: copy.id)
                state.pendingBytes += copy.data.count + 64
                state.pending.append(copy)
            }
        }
        return status
    }

    /// Writes what is left and closes the file.
    ///
    /// - Parameter seconds: How long that may take.
    /// - Returns: Why the file is not complete; nil if it is.
    func finish(within seconds: Double = 60) -> String? {
        let isFirst = state.withLock { state in
            defer { state.isEnding = true }
            return !state.isEnding
        }
        guard isFirst else { return nil }
        guard ended.wait(until: monotonicNanoseconds() &+ UInt64(seconds * 1e9)) else {
            state.withLock { $0.isLate = true }
            return "\(path) is not complete: writing it takes more than \(seconds) s"
        }
        return state.withLock { $0.failure }.map { "\(path) is not complete: \($0)" }
    }

    private func writeAll(to file: UnsafeMutablePointer<FILE>) {
        while true {
            let (batch, isLast) = state.withLock { state in
                defer {
                    state.pending = []
                    state.pendingBytes = 0
                }
                return (state.pending, state.isEnding)
            }
            for result in batch {
                if fputs(line(result) + "\n", file) < 0 {
                    state.withLock { $0.failure = $0.failure ?? String(cString: strerror(errno)) }
                }
            }
            if isLast { return }
            if batch.isEmpty { usleep(20_000) }
        }
    }

    private func line(_ result: Result) -> String {
        var members: [(String, JSON)] = []
        if let index = result.index { members.append(("index", JSON(index))) }
        members += [("id", JSON(result.id)), ("tokens", JSON(result.tokens))]
        if result.status != mlp_status(MLP_OK) { members.append(("status", .string(statusName(result.status)))) }
        if let text = text(of: result.data) {
            members.append(("text", .string(text)))
        } else {
            let digits = Array("0123456789abcdef".utf8)
            let hex = result.data.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            members.append(("data", .string(String(decoding: hex, as: UTF8.self))))
        }
        return JSON.object(JSONObject(members)).text()
    }

    /// The text of token ids as mlp_plugin.h lays them out, int32, little-endian; nil for anything else.
    private func text(of data: [UInt8]) -> String? {
        guard let decode, data.count % 4 == 0, !state.withLock({ $0.isLate }) else { return nil }
        let tokens = stride(from: 0, to: data.count, by: 4).map { start in
            data[start..<(start + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        return (try? decode(tokens)).map { String(decoding: $0, as: UTF8.self) }
    }
}
