internal import Glibc

/// A `host` process that this one starts and waits for, handing on the signals that a person sends.
///
/// The child is in a process group of its own, so that Ctrl-C at a terminal reaches it once, through this process.
struct HostChild {
    /// How a child ended.
    enum End: Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    private let executable: String

    /// - Parameter executable: The host; nil: the program that runs.
    init(executable: String? = nil) {
        self.executable = executable ?? "/proc/self/exe"
    }

    /// Runs a command to its end; what it prints goes to this process's standard error.
    ///
    /// - Returns: How it ended, and whether a person asked for the end.
    /// - Throws: `ExperimentError` where it cannot be started.
    func run(_ command: HostCommand) throws(ExperimentError) -> (end: End, wasInterrupted: Bool) {
        let watch = SignalWatch()
        let pid = try start(command, mask: watch.before)
        var interrupted = false
        while true {
            if let signal = watch.wait(milliseconds: 100), signal != SIGCHLD {
                interrupted = true
                kill(pid, signal)
            }
            var status: Int32 = 0
            let found = waitpid(pid, &status, WNOHANG)
            if found == pid {
                let signal = status & 0x7F
                return (signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal), interrupted)
            }
            if found < 0, errno != EINTR {
                throw ExperimentError("lost sight of the child process: \(String(cString: strerror(errno)))")
            }
        }
    }

    private func start(_ command: HostCommand, mask: sigset_t) throws(ExperimentError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = mask
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var arguments: [UnsafeMutablePointer<CChar>?] = (["host"] + command.words).map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, executable, &actions, &attributes, arguments, environ)
        guard status == 0 else {
            throw ExperimentError("cannot start \(executable): \(String(cString: strerror(status)))")
        }
        return pid
    }
}

/// Blocks the signals by which a person ends a program, and takes them one by one.
struct SignalWatch {
    /// What was blocked before.
    let before: sigset_t
    private let watched: sigset_t

    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        // A signal that whoever started this process had it ignore (nohup) stays ignored; blocked, it would be taken.
        let watching = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].filter { !Self.isIgnored($0) } + [SIGCHLD]
        for signal in watching { sigaddset(&signals, signal) }
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &signals, &before)
        // Whoever blocked them earlier in this process meant this process, not its children.
        for signal in watching { sigdelset(&before, signal) }
        self.before = before
        watched = signals
    }

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// The next signal, nil if none came in time.
    func wait(milliseconds: Int) -> Int32? {
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        var signals = watched
        let signal = sigtimedwait(&signals, nil, &time)
        return signal > 0 ? signal : nil
    }
}
