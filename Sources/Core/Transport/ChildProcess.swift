import Glibc
import Synchronization

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
    private let ending = Mutex<End?>(nil)

    /// Starts an executable.
    ///
    /// - Parameters:
    ///   - executable: Its path.
    ///   - arguments: `argv`, the name of the executable first.
    ///   - descriptors: Pairs of a descriptor of this process and the number it gets in the child; every other
    ///     descriptor beyond standard error is closed there if it is marked close-on-exec, as all of ours are.
    ///   - ownGroup: Whether the child gets a process group of its own, so that a terminal's Ctrl-C reaches this process
    ///     alone.
    /// - Throws: `ChildProcessError`.
    init(
        executable: String,
        arguments: [String],
        descriptors: [(parent: Int32, child: Int32)],
        ownGroup: Bool = false
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Copies beyond every number wanted in the child: one copy must not overwrite the source of the next.
        let floor = (descriptors.map(\.child).max() ?? 0) + 1
        let copies = descriptors.map { fcntl($0.parent, F_DUPFD_CLOEXEC, floor) }
        defer { for copy in copies where copy >= 0 { close(copy) } }
        guard copies.allSatisfy({ $0 >= 0 }) else {
            throw ChildProcessError(executable: executable, reason: String(cString: strerror(errno)))
        }
        for (copy, pair) in zip(copies, descriptors) { posix_spawn_file_actions_adddup2(&actions, copy, pair.child) }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { for argument in argv { free(argument) } }
        var environment = ChildProcess.environment()
        defer { for setting in environment { free(setting) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        if ownGroup {
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
            posix_spawnattr_setpgroup(&attributes, 0)
        }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, executable, &actions, &attributes, argv, &environment)
        guard status == 0 else {
            throw ChildProcessError(executable: executable, reason: String(cString: strerror(status)))
        }
        self.pid = pid
    }

    /// This process's environment for a child, ending in NULL.
    ///
    /// A child's crash is accounted for here; Swift's backtrace of it would take seconds, in which the child's results
    /// wait.  Who wants one sets SWIFT_BACKTRACE.
    private static func environment() -> [UnsafeMutablePointer<CChar>?] {
        var settings: [UnsafeMutablePointer<CChar>?] = []
        var position = environ
        while let setting = position.pointee {
            settings.append(strdup(setting))
            position += 1
        }
        if getenv("SWIFT_BACKTRACE") == nil { settings.append(strdup("SWIFT_BACKTRACE=enable=no")) }
        return settings + [nil]
    }

    /// Waits for the end, at most `seconds`; nil if the process still runs then.
    ///
    /// Any thread may wait.
    func wait(within seconds: Double) -> End? {
        let started = monotonicNanoseconds()
        var pause: UInt32 = 100
        while true {
            if let end = ending.withLock({ look(&$0) }) { return end }
            if Double(monotonicNanoseconds() - started) > seconds * 1e9 { return nil }
            usleep(pause)
            pause = min(pause * 2, 10_000)
        }
    }

    private func look(_ ending: inout End?) -> End? {
        if let ending { return ending }
        var status: Int32 = 0
        let found = waitpid(pid, &status, WNOHANG)
        if found == pid {
            let signal = status & 0x7F
            ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal)
        } else if found < 0, errno != EINTR {
            ending = .exited(-1)
        }
        return ending
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
