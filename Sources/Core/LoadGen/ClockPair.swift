/// One moment on both clocks, the run's and the system's.
struct ClockPair {
    let monotonic: Int64
    let wall: WallClock

    /// Reads the clocks together.
    ///
    /// A thread may lose the processor between two readings, which would look like a clock that runs wrong: the closest
    /// of a few attempts counts.
    static func now() -> ClockPair {
        var best = read()
        for _ in 0..<16 where best.gap > 1_000 {
            let next = read()
            if next.gap < best.gap { best = next }
        }
        return best.pair
    }

    private static func read() -> (pair: ClockPair, gap: Int64) {
        let before = MonotonicClock.now()
        let wall = WallClock.now()
        let after = MonotonicClock.now()
        return (ClockPair(monotonic: before + (after - before) / 2, wall: wall), after - before)
    }
}
