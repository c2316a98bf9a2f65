import Glibc
import Synchronization

/// How far a quantisation has come: a line that is overwritten if standard error is a terminal, text for notes if not, and
/// a flag to end early.
final class QuantizeProgress: Sendable {
    private struct State {
        var what = ""
        var sample = 0
        var samples = 0
        var done = 0
        var total = 0
    }

    private let state = Mutex(State())
    private let begin = monotonicNanoseconds()
    private let interrupt = Atomic<Int32>(0)
    private let isStopped = Atomic<Bool>(false)
    private let ended = Semaphore()
    private let isShown: Bool

    init() {
        isShown = isatty(STDERR_FILENO) == 1
        guard isShown else { return }
        startThread(name: "progress") { [self] in
            while !isStopped.load(ordering: .acquiring) {
                usleep(250_000)
                let line = text
                if !line.isEmpty, !isStopped.load(ordering: .acquiring) { RunConsole.write("\r\u{1B}[K\(line)") }
            }
            RunConsole.write("\r\u{1B}[K")
            ended.signal()
        }
    }

    /// Ends the line.
    func stop() {
        guard isShown, !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        ended.wait()
    }

    /// Asks the run to end after the sample at hand.
    func requestEnd(_ signal: Int32) { interrupt.store(signal, ordering: .releasing) }

    /// Throws if the end was asked for.
    func checkInterrupt(_ output: String) throws {
        let signal = interrupt.load(ordering: .acquiring)
        guard signal != 0 else { return }
        throw QuantizeError(
            "interrupted by \(InterruptWatch.name(signal)); the same command goes on where \(output) ends",
            status: .failed
        )
    }

    /// Whether the end was asked for.
    var isEnding: Bool { interrupt.load(ordering: .acquiring) != 0 }

    /// What is done, with the time since the beginning, where no terminal shows it.
    func lineWithoutTerminal(_ done: String) -> String? {
        isShown ? nil : "\(done), \((monotonicNanoseconds() - begin) / 1_000_000_000) s"
    }

    /// How much there is to do, counted in passes of a sample through a stage.
    func expect(_ total: Int) { state.withLock { $0.total = total } }

    /// What is done now, with so many samples.
    func enter(_ what: String, samples: Int) {
        state.withLock {
            $0.what = what
            $0.sample = 0
            $0.samples = samples
        }
    }

    /// A sample is through.
    func step() {
        state.withLock {
            $0.sample += 1
            $0.done += 1
        }
    }

    private var text: String {
        let now = state.withLock { $0 }
        guard !now.what.isEmpty else { return "" }
        let seconds = Double(monotonicNanoseconds() - begin) / 1e9
        var parts = [now.what]
        if now.samples > 0 { parts.append("\(now.sample) of \(now.samples) samples") }
        if now.total > 0 { parts.append("\(now.done * 100 / now.total)%") }
        parts.append("\(Int(seconds)) s")
        if now.done > 0, now.total > now.done {
            let left = seconds / Double(now.done) * Double(now.total - now.done)
            parts.append("about \(Int(min(left, 1e9))) s left")
        }
        return parts.joined(separator: ", ")
    }
}
