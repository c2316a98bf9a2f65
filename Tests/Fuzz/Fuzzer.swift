internal import FoundationEssentials

/// Feeds mutated inputs to a reader, the same ones in every run.
///
///     let report = Fuzzer(name: "json", seeds: [...]).run { bytes in
///         (try? JSON(parsing: bytes)) != nil
///     }
///     print(report)
///
/// The reader passes when the process survives: every input must be accepted or refused, never trap. Input number `i`
/// depends on nothing but the seeds and `i`.
///
/// Environment: `PODIUM_FUZZ_COUNT` sets the number of inputs (20,000 without it); `PODIUM_FUZZ_FIRST` starts at a later
/// one; `PODIUM_FUZZ_KEEP` names a file into which each input is written before the reader gets it, so that after a crash
/// the culprit is there.
public struct Fuzzer: Sendable {
    /// The name of the reader, for the report.
    public let name: String
    /// Valid inputs, from which all others are made.
    public let seeds: [[UInt8]]
    /// Tokens of the format, spliced in and exchanged.
    public let tokens: [[UInt8]]
    /// How many inputs to make.
    public let count: Int

    private let first: Int
    private let keep: String?

    /// A fuzzer for one reader.
    ///
    /// - Parameters:
    ///   - name: The name of the reader, for the report.
    ///   - seeds: Valid inputs, at least one; small ones make quick runs.
    ///   - tokens: Tokens of the format.
    ///   - defaultCount: The number of inputs when the environment does not say.
    public init(name: String, seeds: [[UInt8]], tokens: [String] = Self.jsonTokens, defaultCount: Int = 20_000) {
        precondition(!seeds.isEmpty, "nothing to mutate")
        self.name = name
        self.seeds = seeds
        self.tokens = tokens.map { Array($0.utf8) }
        let environment = ProcessInfo.processInfo.environment
        count = environment["PODIUM_FUZZ_COUNT"].flatMap { Int($0) } ?? defaultCount
        first = environment["PODIUM_FUZZ_FIRST"].flatMap { Int($0) } ?? 0
        keep = environment["PODIUM_FUZZ_KEEP"]
    }

    /// Tokens for formats made of JSON.
    public static let jsonTokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "null", "true", "false", "NaN",
        "Infinity",
        "0", "-0", "-1", "1e999", "-1e-999", "1.5", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551615", "18446744073709551616", "1000000000000000019884624838656", "4294967296", "{}", "[]",
        "\"\"",
        "[[[[[[[[", "{\"a\":{\"a\":{\"a\":", "\u{E9}", "\u{1F600}", "\u{0}", "//", "/*", "\u{FEFF}",
    ]

    /// Runs the reader on every input.
    ///
    /// - Parameter reader: Reads one input; true when it accepted it.
    /// - Returns: What was run, how fast, and how many inputs were accepted.
    public func run(_ reader: ([UInt8]) -> Bool) -> FuzzReport {
        let clock = ContinuousClock()
        var accepted = 0
        var slowest = Duration.zero
        var slowestInput = 0
        var inReader = Duration.zero
        for index in first..<max(first, count) {
            let input = self.input(index)
            if let keep { try? Data(input).write(to: URL(filePath: keep)) }
            let time = clock.measure { if reader(input) { accepted += 1 } }
            inReader += time
            if time > slowest { (slowest, slowestInput) = (time, index) }
        }
        return FuzzReport(
            name: name,
            count: max(0, count - first),
            accepted: accepted,
            time: inReader,
            slowest: slowest,
            slowestInput: slowestInput
        )
    }

    /// The input of a number: one of the seeds, unchanged for the first ones, changed in one to eight places after that.
    ///
    /// - Parameter index: The number, from 0.
    /// - Returns: The bytes.
    public func input(_ index: Int) -> [UInt8] {
        var bytes = seeds[index % seeds.count]
        guard index >= seeds.count else { return bytes }
        var random = SplitMix64(seed: UInt64(index))
        // Most readers refuse early: a single change gets deepest.
        let changes = 1 + Int.random(in: 0..<8, using: &random) * Int.random(in: 0...1, using: &random)
        for _ in 0..<changes {
            Mutation.allCases.randomElement(using: &random)?.apply(to: &bytes, fuzzer: self, &random)
        }
        return bytes
    }
}
