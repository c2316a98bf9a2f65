import Glibc

/// A process that this one started, with a deadline and a plain account of how it ended.
final class ChildProcess: @unchecked Sendable {
    /// How a process ended.
    enum End: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        /// "exit status 3" or "signal 11 (Segmentation fault)".
        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
            }
        }
    }

    let pid: pid_t
    private var ending: End?

    /// Starts an executable.
    ///
    /// - Parameters:
    ///   - arguments: `argv`, the name of the executable first.
    ///   - descriptors: Pairs of a descriptor of this process and the number it gets in the child; every other
    ///     descriptor beyond standard error is closed there if it is marked close-on-exec, as all of ours are.
    init(executable: String, arguments: [String], descriptors: [(parent: Int32, child: Int32)]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for pair in descriptors { posix_spawn_file_actions_adddup2(&actions, pair.parent, pair.child) }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { for argument in argv { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, executable, &actions, nil, argv, environ)
        guard status == 0 else {
            throw ChildProcessError(executable: executable, reason: String(cString: strerror(status)))
        }
        self.pid = pid
    }

    /// Waits for the end, at most `seconds`; nil if the process still runs then.  One thread at a time.
    func wait(within seconds: Double) -> End? {
        if let ending { return ending }
        let started = monotonicNanoseconds()
        var pause: UInt32 = 100
        while true {
            var status: Int32 = 0
            let found = waitpid(pid, &status, WNOHANG)
            if found == pid {
                let signal = status & 0x7F
                let end: End = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
                ending = end
                return end
            }
            if found < 0, errno != EINTR { return .exited(-1) }
            if Double(monotonicNanoseconds() - started) > seconds * 1e9 { return nil }
            usleep(pause)
            pause = min(pause * 2, 10_000)
        }
    }

    /// Ends the process without asking it.
    func kill() { Glibc.kill(pid, SIGKILL) }
}

/// A process could not be started.
struct ChildProcessError: Error, CustomStringConvertible {
    var executable: String
    var reason: String
    var description: String { "cannot start \(executable): \(reason)" }
}

/// The monotonic clock, in nanoseconds.
@inline(__always)
func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}
