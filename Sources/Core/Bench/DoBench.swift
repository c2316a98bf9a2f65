/// Times work the way Triton's do_bench does: one run, five to estimate how long one takes, a warm-up, and repetitions,
/// each after the caches were overwritten and between two marks of its own; the median counts.
///
/// Work that takes longer than all repetitions together may take is run three times after a first time, which serves
/// as warm-up and estimate: a processor would need hours for a GPU's shapes.
public struct DoBench: Sendable, Equatable {
    /// What the two numbers count.
    public enum Meaning: String, Sendable, CaseIterable {
        /// Milliseconds, as in newer versions of Triton: warm-up and repetitions are as many as fit in.
        case milliseconds
        /// Runs, as in older versions.
        case counts
    }

    /// What the two numbers count.
    public var meaning: Meaning
    /// How long, or how often, work is done before it is timed.
    public var warmup: Double
    /// How long, or how often, it is timed.
    public var repetitions: Double
    /// Fewest repetitions.
    public static let least = 3

    /// The study's settings: 30 and 200.
    public init(meaning: Meaning = .milliseconds, warmup: Double = 30, repetitions: Double = 200) {
        self.meaning = meaning
        self.warmup = warmup
        self.repetitions = repetitions
    }

    /// The words of a command line.
    ///
    /// - Throws: `ConfigError` for numbers that are not from 0 to a million.
    public init(checkedWarmup warmup: Double, repetitions: Double, counts: Bool) throws {
        guard (0...1e6).contains(warmup), (0...1e6).contains(repetitions) else {
            throw ConfigError("--warmup \(warmup), --rep \(repetitions): expected numbers from 0 to 1000000")
        }
        self.init(meaning: counts ? .counts : .milliseconds, warmup: warmup, repetitions: repetitions)
    }

    /// What a measurement found.
    public struct Timing: Sendable, Equatable {
        /// Runs before those that were timed.
        public var warmups: Int
        /// The times of the repetitions, in milliseconds, from the least.
        public var sorted: [Double]

        /// The middle one, or the mean of the two in the middle.
        public var median: Double {
            guard !sorted.isEmpty else { return .nan }
            let middle = sorted.count / 2
            return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        }

        /// The shortest.
        public var least: Double { sorted.first ?? .nan }
        /// The longest.
        public var greatest: Double { sorted.last ?? .nan }
    }

    /// Times `body`, which queues work on the clock's device.
    func measure(_ clock: some BenchClock, _ body: () throws -> Void) throws -> Timing {
        try clock.mark(0)
        try body()
        try clock.mark(1)
        try clock.synchronize()
        let first = try clock.milliseconds(from: 0, to: 1)
        var (warmups, count) = (Int(warmup), Int(repetitions))
        var done = 1
        if meaning == .milliseconds {
            if first > repetitions {
                (warmups, count) = (0, Self.least)
            } else {
                try clock.mark(0)
                for _ in 0..<5 {
                    try clock.clearCache()
                    try body()
                }
                try clock.mark(1)
                try clock.synchronize()
                done += 5
                // A clock too coarse to see the work must not ask for endless repetitions.
                let estimate = max(try clock.milliseconds(from: 0, to: 1) / 5, 1e-3)
                (warmups, count) = (Int(warmup / estimate), Int(repetitions / estimate))
            }
            if warmups < 1, first <= repetitions { warmups = 1 }
        }
        count = max(count, Self.least)
        for _ in 0..<warmups { try body() }
        for index in 0..<count {
            try clock.clearCache()
            try clock.mark(2 * index)
            try body()
            try clock.mark(2 * index + 1)
        }
        try clock.synchronize()
        var times: [Double] = []
        for index in 0..<count { times.append(try clock.milliseconds(from: 2 * index, to: 2 * index + 1)) }
        return Timing(warmups: done + warmups, sorted: times.sorted())
    }
}
