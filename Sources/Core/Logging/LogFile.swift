import Glibc
import Synchronization

/// A text file that is written from front to back.
///
/// Writing never throws: the first failure is kept, later writes do nothing, and the run reports it at its end.
final class LogFile: Sendable {
    private struct State {
        var descriptor: Int32
        var buffer: [UInt8] = []
        var failure: String?
    }

    let path: String
    private let state: Mutex<State>

    /// Creates the file, or empties it.
    init(path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw LoadGenError.logFile(path: path, reason: String(cString: strerror(errno)))
        }
        self.path = path
        state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 {
                close(state.descriptor)
            }
        }
    }

    /// What went wrong, if anything did.
    var failure: String? { state.withLock { $0.failure } }

    /// Appends bytes; they reach the file when a fair amount has gathered, or with ``flush()``.
    func append(_ bytes: some Collection<UInt8>) {
        state.withLock { state in
            state.buffer.append(contentsOf: bytes)
            if state.buffer.count >= 1 << 16 {
                Self.flush(&state)
            }
        }
    }

    func append(_ text: String) {
        append(text.utf8)
    }

    func flush() {
        state.withLock { Self.flush(&$0) }
    }

    /// Writes what is left and closes the file; later writes do nothing.
    func finish() {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            Self.flush(&state)
            if close(state.descriptor) != 0 && state.failure == nil {
                state.failure = String(cString: strerror(errno))
            }
            state.descriptor = -1
        }
    }

    private static func flush(_ state: inout State) {
        defer { state.buffer.removeAll(keepingCapacity: true) }
        guard state.descriptor >= 0, state.failure == nil else { return }
        var offset = 0
        while offset < state.buffer.count {
            let written = state.buffer.withUnsafeBytes {
                write(state.descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else {
                state.failure = String(cString: strerror(errno))
                return
            }
            offset += written
        }
    }
}
