import CBench

/// What a processor can do at most, as measured.
enum ProcessorLimits {
    /// GFLOP/s of float32 multiply-adds in registers on all threads of a pool: the best of many short runs, since other
    /// work on the machine only ever slows one down.
    static func multiplyAdds(_ pool: ThreadPool, milliseconds: UInt64 = 200) -> Double {
        let steps: UInt64 = 20_000
        let operations = Double(perStep * steps) * Double(pool.threadCount)
        let end = monotonicNanoseconds() + milliseconds * 1_000_000
        var best = 0.0
        repeat {
            let start = monotonicNanoseconds()
            pool.forEach(pool.threadCount) { _ in _ = podium_multiply_adds(steps) }
            best = max(best, operations / Double(monotonicNanoseconds() - start))
        } while monotonicNanoseconds() < end
        return best
    }

    private static let perStep = podium_multiply_adds(1)
}
