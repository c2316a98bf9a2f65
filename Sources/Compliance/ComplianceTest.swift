/// A compliance test of MLPerf Inference: a run under an `audit.config`, and what its logs must show.
public enum ComplianceTest: String, Sendable, CaseIterable {
    /// Responses of a performance run equal those of the accuracy run, at the same speed.
    case test01 = "TEST01"
    /// One sample, issued again and again, is no faster than the data set: nothing is cached.
    case test04 = "TEST04"
    /// Token outputs are consistent: first token, end-of-sequence, count.
    case test06 = "TEST06"
    /// A performance run is as accurate as a threshold asks.
    case test07 = "TEST07"
    /// A performance run generates as many tokens as the reference does.
    case test09 = "TEST09"

    /// What the test shows, in a few words.
    public var title: String {
        switch self {
        case .test01: "responses in performance mode are those of accuracy mode"
        case .test04: "no results are cached"
        case .test06: "token outputs are consistent"
        case .test07: "accuracy in performance mode"
        case .test09: "output length in performance mode"
        }
    }

    /// The files with verdicts that MLCommons' submission checker reads in the test's folder.
    public var verdictFiles: [String] {
        switch self {
        case .test01: [Self.accuracyVerdict, Self.performanceVerdict]
        case .test04: [Self.performanceVerdict]
        case .test06, .test07: [Self.accuracyVerdict]
        case .test09: ["verify_output_len.txt"]
        }
    }

    /// Whether the test compares with the normal performance run.
    public var needsPerformanceReference: Bool { self == .test01 || self == .test04 }
    /// Whether the test's own run has to be VALID.
    ///
    /// The others look at responses; their few queries often are not enough for early stopping.
    public var needsValidRun: Bool { self == .test01 || self == .test04 }
    /// Whether the official script files the accuracy log with the verdict.
    public var filesAccuracyLog: Bool { self != .test04 }

    static let accuracyVerdict = "verify_accuracy.txt"
    static let performanceVerdict = "verify_performance.txt"

    /// A test by its name, `TEST06` or `06`; capitals do not matter.
    public init?(named name: String) {
        let upper = name.uppercased()
        guard let test = ComplianceTest(rawValue: upper) ?? ComplianceTest(rawValue: "TEST" + upper) else { return nil }
        self = test
    }
}
