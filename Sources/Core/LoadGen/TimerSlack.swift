import Glibc

/// How late the kernel may wake the calling thread from a sleep; 50 microseconds unless a thread asks for less.
enum TimerSlack {
    /// Runs `body` with a slack of one microsecond where the kernel allows that, and as before where it does not.
    static func minimal<Result>(_ body: () throws -> Result) rethrows -> Result {
        // prctl has a variable argument list, which Swift cannot call; the file does the same.
        let path = "/proc/\(BackgroundThread.currentNumber)/timerslack_ns"
        let before = write("1000", to: path, reading: true)
        defer {
            if let before {
                _ = write(before, to: path, reading: false)
            }
        }
        return try body()
    }

    /// Writes a text, and returns what stood there if `reading`.
    private static func write(_ text: String, to path: String, reading: Bool) -> String? {
        let before = reading ? SettingsReader.read(path) : nil
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        _ = text.withCString { Glibc.write(descriptor, $0, strlen($0)) }
        return before
    }
}
