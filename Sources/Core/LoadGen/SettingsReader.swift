import Glibc

/// Applies MLPerf's configuration files to `TestSettings`, in the order and with the quirks of the official LoadGen.
///
/// One reader serves one test: `mlperf.conf` (built in) is applied with the first `user.conf`; a second `user.conf` is
/// applied as well but reported as an error.
public struct SettingsReader: Sendable {
    /// What became of a file.
    public enum Outcome: Int32, Sendable {
        /// Its values hold.
        case applied = 0
        /// It could not be opened.
        case missing = -2
        /// A line is wrong, and nothing of the file was applied.
        case rejected = -22
    }

    /// Whose file it is; that decides which keys are heeded.
    public enum Origin: Sendable {
        /// MLPerf's rules; the only origin that may set seeds.
        case mlperf
        /// The submitter's file.
        case user
        /// A compliance test's file; its lines apply only with `*` as their model.
        case audit
    }

    /// The round whose seeds the built-in rules carry.
    public let round: MLPerfRound

    /// Whether files are read by what they seem to say instead of by the official reader's quirks; such a run is no
    /// submission.
    public let isLenient: Bool

    /// What is to be written to the detail log: errors and their words.
    public private(set) var messages: [LogMessage] = []

    /// What a person should know about the files that were read: lines that have no effect or not the one they seem to
    /// have.
    ///
    /// The official reader says nothing of this, so it is not for the log.
    public private(set) var notes: [String] = []

    /// Why a file was not applied, a sentence each, with line and key.
    public private(set) var faults: [String] = []

    private var userFilesRead = 0
    private var mlperfRules: ConfValues

    /// - Parameters:
    ///   - round: The round whose seeds are used unless a test sets others itself.
    ///   - isLenient: Reads files by what they seem to say; see docs/loadgen.md.
    public init(round: MLPerfRound = .v60, isLenient: Bool = false) {
        self.round = round
        self.isLenient = isLenient
        mlperfRules = BuiltInConf.values(round: round)
    }

    /// Names of the benchmarks for which MLPerf has rules.
    public static var knownModels: [String] { BuiltInConf.models }

    /// Uses the text of another `mlperf.conf` in place of the built-in rules.
    ///
    /// - Parameter text: The file's content.
    /// - Returns: `.rejected` when a line is wrong; the built-in rules then stay.
    public mutating func replaceBuiltInRules(with text: String) -> Outcome {
        let values = ConfValues(parsing: text, reading: isLenient ? .lenient : .official)
        guard values.complaints.isEmpty else {
            complain(values)
            return .rejected
        }
        mlperfRules = values
        return .applied
    }

    /// Applies the built-in rules alone.
    ///
    /// - Parameters:
    ///   - model: The benchmark's name, or anything else for the general rules.
    ///   - scenario: The scenario whose keys are looked up.
    ///   - settings: Where the values go.
    public mutating func applyBuiltInRules(model: String, scenario: Scenario, to settings: inout TestSettings) {
        apply(mlperfRules, origin: .mlperf, model: model, scenario: scenario, to: &settings)
    }

    /// Applies a configuration file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - origin: Whose file it is; the first of `.user` applies the built-in rules before.
    ///   - model: The benchmark's name; `*` for `.audit`, as the official LoadGen does.
    ///   - scenario: The scenario whose keys are looked up.
    ///   - settings: Where the values go.
    /// - Returns: What became of the file.
    public mutating func apply(
        path: String,
        origin: Origin,
        model: String,
        scenario: Scenario,
        to settings: inout TestSettings
    ) -> Outcome {
        begin(origin: origin, model: model, scenario: scenario, settings: &settings)
        guard let text = Self.read(path) else {
            messages.append(.error("error_invalid_config", "can't open file \(path)"))
            faults.append("it cannot be opened or read")
            return .missing
        }
        return applyParsed(text: text, path, origin: origin, model: model, scenario: scenario, to: &settings)
    }

    /// Applies the text of a configuration file; see ``apply(path:origin:model:scenario:to:)``.
    ///
    /// - Parameters:
    ///   - text: The file's content.
    ///   - file: What to call it in messages for people.
    ///   - origin: Whose file it is.
    ///   - model: The benchmark's name.
    ///   - scenario: The scenario whose keys are looked up.
    ///   - settings: Where the values go.
    /// - Returns: What became of the text.
    public mutating func apply(
        text: String,
        file: String = "the text",
        origin: Origin,
        model: String,
        scenario: Scenario,
        to settings: inout TestSettings
    ) -> Outcome {
        begin(origin: origin, model: model, scenario: scenario, settings: &settings)
        return applyParsed(text: text, file, origin: origin, model: model, scenario: scenario, to: &settings)
    }

    private mutating func begin(origin: Origin, model: String, scenario: Scenario, settings: inout TestSettings) {
        guard case .user = origin else { return }
        if userFilesRead == 0 {
            applyBuiltInRules(model: model, scenario: scenario, to: &settings)
        } else {
            messages.append(
                .error(
                    "error_invalid_config",
                    "Multiple conf files are used. This is not valid for official submission."
                )
            )
        }
        userFilesRead += 1
    }

    private mutating func applyParsed(
        text: String,
        _ file: String,
        origin: Origin,
        model: String,
        scenario: Scenario,
        to settings: inout TestSettings
    ) -> Outcome {
        let values = ConfValues(parsing: text, reading: isLenient ? .lenient : .official)
        guard values.complaints.isEmpty else {
            complain(values)
            return .rejected
        }
        notes += ConfReview.notes(on: values, file: file, origin: origin, model: model, scenario: scenario)
        apply(values, origin: origin, model: model, scenario: scenario, to: &settings)
        return .applied
    }

    private mutating func complain(_ values: ConfValues) {
        for complaint in values.complaints {
            messages.append(.error("error_invalid_config", complaint.official))
            faults.append("line \(complaint.line): \(complaint.key): \(complaint.reason)")
        }
    }

    private mutating func apply(
        _ conf: ConfValues,
        origin: Origin,
        model: String,
        scenario: Scenario,
        to settings: inout TestSettings
    ) {
        func integer(_ key: String, _ scenarioName: String = scenario.rawValue, times factor: UInt64 = 1) -> UInt64? {
            conf.integer(model: model, scenario: scenarioName, key: key, times: factor)
        }
        func set(_ value: UInt64?, _ path: WritableKeyPath<TestSettings, UInt64>) {
            guard let value else { return }
            settings[keyPath: path] = value
        }
        func setDouble(
            _ key: String,
            _ scenarioName: String,
            _ factor: Double,
            _ path: WritableKeyPath<TestSettings, Double>
        ) {
            guard let value = conf.double(model: model, scenario: scenarioName, key: key, times: factor) else { return }
            settings[keyPath: path] = value
        }
        func setIfOne(_ key: String, _ path: WritableKeyPath<TestSettings, Bool>) {
            guard let value = integer(key) else { return }
            settings[keyPath: path] = value == 1
        }
        func setUnlessZero(_ key: String, _ scenarioName: String, _ path: WritableKeyPath<TestSettings, Bool>) {
            guard let value = integer(key, scenarioName) else { return }
            settings[keyPath: path] = value != 0
        }
        let own = scenario.rawValue
        let server = Scenario.server.rawValue
        let single = Scenario.singleStream.rawValue
        let multi = Scenario.multiStream.rawValue
        let millisecond: UInt64 = 1_000_000

        if let mode = integer("mode") {
            switch mode {
            case 0: settings.mode = .submissionRun
            case 1: settings.mode = .accuracyOnly
            case 2: settings.mode = .performanceOnly
            case 3: settings.mode = .findPeakPerformance
            default: messages.append(.error("error_invalid_config", "Invalid value passed to Mode key in config."))
            }
        }
        if case .mlperf = origin {
            set(integer("qsl_rng_seed"), \.qslRngSeed)
            set(integer("sample_index_rng_seed"), \.sampleIndexRngSeed)
            set(integer("schedule_rng_seed"), \.scheduleRngSeed)
            setDouble("accuracy_log_probability", own, 0.01, \.accuracyLogProbability)
            setIfOne("test05", \.test05)
            set(integer("test05_qsl_rng_seed"), \.test05QslRngSeed)
            set(integer("test05_sample_index_rng_seed"), \.test05SampleIndexRngSeed)
            set(integer("test05_schedule_rng_seed"), \.test05ScheduleRngSeed)
        }
        setIfOne("use_token_latencies", \.useTokenLatencies)
        if settings.useTokenLatencies {
            set(integer("ttft_latency", server, times: millisecond), \.serverTtftLatency)
            set(integer("tpot_latency", server, times: millisecond), \.serverTpotLatency)
        }
        setIfOne("infer_token_latencies", \.inferTokenLatencies)
        if settings.inferTokenLatencies {
            set(integer("token_latency_scaling_factor"), \.tokenLatencyScalingFactor)
        }
        setDouble("target_latency_percentile", single, 0.01, \.singleStreamTargetLatencyPercentile)
        setDouble("target_latency_percentile", multi, 0.01, \.multiStreamTargetLatencyPercentile)
        set(integer("samples_per_query", multi), \.multiStreamSamplesPerQuery)
        setDouble("target_latency_percentile", server, 0.01, \.serverTargetLatencyPercentile)
        set(integer("target_latency", server, times: millisecond), \.serverTargetLatencyNs)
        setUnlessZero("performance_issue_unique", own, \.performanceIssueUnique)
        setUnlessZero("performance_issue_same", own, \.performanceIssueSame)
        set(integer("performance_issue_same_index"), \.performanceIssueSameIndex)
        setIfOne("sample_concatenate_permutation", \.sampleConcatenatePermutation)
        setUnlessZero("coalesce_queries", server, \.serverCoalesceQueries)
        set(integer("max_async_queries", server), \.serverMaxAsyncQueries)
        set(integer("min_duration"), \.minDurationMs)
        set(integer("max_duration"), \.maxDurationMs)
        set(integer("min_query_count"), \.minQueryCount)
        set(integer("max_query_count"), \.maxQueryCount)
        set(integer("performance_sample_count_override"), \.performanceSampleCountOverride)
        set(integer("accuracy_sample_count_override"), \.accuracySampleCountOverride)
        setDouble("target_latency", single, 1_000_000, \.singleStreamExpectedLatencyNs)
        setDouble("target_latency", multi, 1_000_000, \.multiStreamExpectedLatencyNs)
        setDouble("target_qps", server, 1, \.serverTargetQps)
        setDouble("target_qps", Scenario.offline.rawValue, 1, \.offlineExpectedQps)
        setUnlessZero("print_timestamps", own, \.printTimestamps)
        set(integer("accuracy_log_rng_seed"), \.accuracyLogRngSeed)
        set(integer("accuracy_log_sampling_target"), \.accuracyLogSamplingTarget)
    }

    /// The text of a file, or nil where it cannot be opened or read.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[0..<count])
        }
    }
}
