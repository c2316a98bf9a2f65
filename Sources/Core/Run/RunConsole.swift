import Glibc
import Synchronization

/// What a person at a terminal sees of a run, all of it on standard error; results go to standard output elsewhere.
public struct RunConsole: Sendable {
    /// Least level of plugin messages shown: 0 debug, 1 info, 2 warning, 3 error.
    public var leastLevel: Int32

    /// - Parameter leastLevel: Of plugin messages.
    public init(leastLevel: Int32 = 1) { self.leastLevel = leastLevel }

    /// A line about what the host does.
    public func note(_ text: String) { RunConsole.write("podium: \(text)\n") }

    /// A line of the plugin's.
    var log: HostContext.LogHandler {
        let least = leastLevel
        return { level, message in
            guard level >= least else { return }
            let names = ["debug", "info", "warning", "error"]
            let name = names[Int(min(max(level, 0), 3))]
            RunConsole.write("plugin: \(name): \(message)\n")
        }
    }

    /// A line that follows the run, if standard error is a terminal.
    func showProgress(of run: any TestRun) -> ProgressLine? {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        return ProgressLine(run)
    }

    static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// Samples done, rate, time to first token and time left, rewritten a few times a second.
final class ProgressLine: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let ended = Semaphore()

    init(_ run: any TestRun) {
        startThread(name: "progress") { [self] in
            while !isStopped.load(ordering: .acquiring) {
                usleep(250_000)
                let line = ProgressLine.text(run.progress)
                if !line.isEmpty, !isStopped.load(ordering: .acquiring) { RunConsole.write("\r\u{1B}[K\(line)") }
            }
            RunConsole.write("\r\u{1B}[K")
            ended.signal()
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        ended.wait()
    }

    /// The line for a snapshot.
    static func text(_ progress: RunProgress) -> String {
        guard progress.planned > 0, progress.elapsed > 0 else { return "" }
        let seconds = Double(progress.elapsed) / 1e9
        let rate = Double(progress.completed) / seconds
        let isOpenEnded = progress.leastSamples < progress.planned
        let goal = isOpenEnded ? "at least \(progress.leastSamples)" : "\(progress.planned)"
        var parts = ["\(progress.completed) of \(goal) samples", "\(tenths(rate)) samples/s"]
        if progress.firstTokens > 0 { parts.append("TTFT \(tenths(Double(progress.meanTimeToFirstToken) / 1e6)) ms") }
        parts.append("\(Int(seconds)) s")
        if let left = secondsLeft(progress) { parts.append("about \(Int(min(left, 1e9).rounded(.up))) s left") }
        return parts.joined(separator: ", ")
    }

    /// A phase ends when both its duration and its least count are reached, or at its upper limit.
    ///
    /// - Returns: nil where nothing has completed from which a rate could be taken.
    static func secondsLeft(_ progress: RunProgress) -> Double? {
        let seconds = Double(progress.elapsed) / 1e9
        let missing = max(0, progress.leastSamples - progress.completed)
        guard missing == 0 || (progress.completed > 0 && seconds > 0) else { return nil }
        let bySamples = missing == 0 ? 0 : Double(missing) * seconds / Double(progress.completed)
        let left = max(bySamples, Double(progress.targetDuration) / 1e9 - seconds, 0)
        guard progress.longestDuration > 0 else { return left }
        return min(left, max(0, Double(progress.longestDuration) / 1e9 - seconds))
    }

    private static func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
