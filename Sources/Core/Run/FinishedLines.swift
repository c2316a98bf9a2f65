import Glibc
import Synchronization

/// Prints how many samples have finished, a line for each count that is seen ten times a second.
final class FinishedLines: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let ended = Semaphore()

    init(_ run: any TestRun) {
        startThread(name: "finished") { [self] in
            var last = ""
            while true {
                // The last look comes after the end, so that the final count is printed.
                let isLast = isStopped.load(ordering: .acquiring)
                let line = Self.text(run.progress)
                if line != last, !line.isEmpty { RunConsole.write("podium: \(line)\n") }
                last = line
                if isLast { break }
                usleep(100_000)
            }
            ended.signal()
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
        ended.wait()
    }

    /// The line for a snapshot.
    static func text(_ progress: RunProgress) -> String {
        guard progress.issued > 0 else { return "" }
        let tokens = progress.firstTokens > 0 ? ", \(progress.firstTokens) with a first token" : ""
        return "finished \(progress.completed) of \(progress.issued) issued samples\(tokens)"
    }
}
