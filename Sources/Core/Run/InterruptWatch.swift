import Glibc
import Synchronization

/// The end of a pipe into which the handler writes; -1 while nobody watches.
private let interruptPipe = Atomic<Int32>(-1)
/// Signals since the watch began.
private let interruptCount = Atomic<Int>(0)

/// Turns SIGINT and SIGTERM into a call on a thread of its own while a run goes on; a second signal ends the process.
///
/// A process has one watch at a time. A signal that the process was started to ignore (`nohup`) stays ignored.
final class InterruptWatch: Sendable {
    private static let signals = [SIGINT, SIGTERM]

    private let reading: Int32
    private let writing: Int32
    private let previous: Mutex<[(signal: Int32, action: sigaction)]>

    /// Begins to watch; nil where another watch is there already, or the process has no descriptor left.
    ///
    /// - Parameter interrupted: Called once with the signal, on the watch's thread.
    init?(_ interrupted: @escaping @Sendable (_ signal: Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (first, second) = (ends[0], ends[1])
        guard
            interruptPipe.compareExchange(expected: -1, desired: second, ordering: .acquiringAndReleasing).exchanged
        else {
            close(first)
            close(second)
            return nil
        }
        interruptCount.store(0, ordering: .releasing)
        reading = first
        writing = second
        var previous: [(Int32, sigaction)] = []
        for signal in Self.signals {
            var old = sigaction()
            sigaction(signal, nil, &old)
            let handler = old.__sigaction_handler.sa_handler
            if unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            var new = sigaction()
            new.sa_flags = SA_RESTART
            new.__sigaction_handler.sa_handler = { signal in
                // Only what may be done within a handler.
                let errorNumber = errno
                if interruptCount.wrappingAdd(1, ordering: .relaxed).oldValue > 0 { _exit(128 + signal) }
                var byte = UInt8(truncatingIfNeeded: signal)
                _ = Glibc.write(interruptPipe.load(ordering: .relaxed), &byte, 1)
                errno = errorNumber
            }
            sigaction(signal, &new, nil)
            previous.append((signal, old))
        }
        self.previous = Mutex(previous)
        startThread(name: "interrupts") { [reading] in
            var byte: UInt8 = 0
            while true {
                let count = read(reading, &byte, 1)
                if count < 0, errno == EINTR { continue }
                if count == 1, byte > 0 { interrupted(Int32(byte)) }
                break
            }
            close(reading)
        }
    }

    /// Gives the signals back to whoever had them.
    func stop() {
        let actions = previous.withLock { actions in
            defer { actions = [] }
            return actions
        }
        for (signal, action) in actions {
            var action = action
            sigaction(signal, &action, nil)
        }
        if interruptPipe.compareExchange(expected: writing, desired: -1, ordering: .acquiringAndReleasing).exchanged {
            // Ends the thread's read.
            close(writing)
        }
    }

    /// `SIGINT` or `SIGTERM`.
    static func name(_ signal: Int32) -> String { signal == SIGINT ? "SIGINT" : "SIGTERM" }
}
