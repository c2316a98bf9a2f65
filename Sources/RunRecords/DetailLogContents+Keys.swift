/// The keys that most readers want, by name.
///
/// Each is nil where the log lacks the key and throws `DetailLogError`, with file and line, where the value is of the
/// wrong kind.  Settings are those of the first occurrence; results those of the last, which differ only in logs of
/// several parts.
extension DetailLogContents {
    /// The seeds of a run.
    public struct Seeds: Sendable, Equatable {
        /// Orders the loaded sets.
        public var qsl: UInt64
        /// Draws the samples.
        public var sampleIndex: UInt64
        /// Draws the gaps between queries.
        public var schedule: UInt64

        /// Seeds from their numbers.
        public init(qsl: UInt64, sampleIndex: UInt64, schedule: UInt64) {
            self.qsl = qsl
            self.sampleIndex = sampleIndex
            self.schedule = schedule
        }
    }

    /// `Offline`, `Server`, `SingleStream` or `MultiStream`; an Interactive run logs `Server`.
    public var effectiveScenario: String? { get throws(DetailLogError) { try string("effective_scenario") } }
    /// `PerformanceOnly`, `AccuracyOnly`, `SubmissionRun`, `FindPeakPerformance`.
    public var effectiveTestMode: String? { get throws(DetailLogError) { try string("effective_test_mode") } }
    /// The seeds that held; nil unless all three are there.
    public var effectiveSeeds: Seeds? {
        get throws(DetailLogError) {
            guard let qsl = try uint64("effective_qsl_rng_seed"),
                let sampleIndex = try uint64("effective_sample_index_rng_seed"),
                let schedule = try uint64("effective_schedule_rng_seed")
            else { return nil }
            return Seeds(qsl: qsl, sampleIndex: sampleIndex, schedule: schedule)
        }
    }
    /// Shortest duration that a valid run may have, in milliseconds.
    public var effectiveMinDurationMs: UInt64? {
        get throws(DetailLogError) { try uint64("effective_min_duration_ms") }
    }
    /// Fewest queries that a valid run may have.
    public var effectiveMinQueryCount: UInt64? {
        get throws(DetailLogError) { try uint64("effective_min_query_count") }
    }
    /// Samples in each query.
    public var effectiveSamplesPerQuery: UInt64? {
        get throws(DetailLogError) { try uint64("effective_samples_per_query") }
    }
    /// The rate asked for, in queries per second (samples per second for Offline).
    public var effectiveTargetQps: Double? { get throws(DetailLogError) { try double("effective_target_qps") } }
    /// Name of the system under test.
    public var sutName: String? { get throws(DetailLogError) { try string("sut_name") } }
    /// Version of the LoadGen.
    public var loadgenVersion: String? { get throws(DetailLogError) { try string("loadgen_version") } }
    /// Samples of the library.
    public var totalSampleCount: UInt64? { get throws(DetailLogError) { try uint64("qsl_reported_total_count") } }
    /// Whether latencies are those of tokens.
    public var usesTokenLatencies: Bool {
        get throws(DetailLogError) { try bool("requested_use_token_latencies") ?? false }
    }

    /// `VALID` or `INVALID`; nil where the run did not get as far as a result.
    public var resultValidity: String? { get throws(DetailLogError) { try string("result_validity", .last) } }
    /// Whether the result counts; false where there is none.
    public var isResultValid: Bool { get throws(DetailLogError) { try resultValidity == "VALID" } }
    /// Whether early stopping found enough queries.
    public var earlyStoppingMet: Bool? { get throws(DetailLogError) { try bool("early_stopping_met", .last) } }
    /// Why the result does not count, a text each.
    public var invalidReasons: [String] { all("result_invalid_reason").compactMap(\.string) }
    /// Entries that report errors.
    public var errors: [DetailLogEntry] { entries.filter(\.isError) }
    /// Entries that report warnings.
    public var warnings: [DetailLogEntry] { entries.filter(\.isWarning) }
}
