import Core
import Glibc

/// Writes a text whole.
func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
        let written = bytes.withUnsafeBytes {
            Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset)
        }
        if written < 0, errno != EINTR { return }
        offset += max(0, written)
    }
}

/// Runs `body`; an error is printed and becomes its exit status.
func reportingErrors(_ body: () throws -> RunStatus) -> RunStatus {
    do {
        return try body()
    } catch {
        write("error: \(error)\n", to: STDERR_FILENO)
        return RunStatus(error: error)
    }
}
