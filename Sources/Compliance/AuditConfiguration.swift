/// The `audit.config` of a compliance test: what LoadGen reads, and the limits that only the verification reads.
///
/// The keys and values are those that MLCommons publishes under `compliance/` of mlcommons/inference.
public struct AuditConfiguration: Sendable, Equatable {
    /// The file's name.
    public static let fileName = "audit.config"

    /// The file's content.
    public let text: String

    /// The published configuration of a test.
    ///
    /// - Parameters:
    ///   - test: The test.
    ///   - benchmark: MLPerf's name of the benchmark, without an accuracy suffix (`gpt-oss-120b`).
    /// - Throws: `ComplianceError` for a test that is published for other benchmarks only.
    public init(_ test: ComplianceTest, benchmark: String) throws(ComplianceError) {
        switch test {
        case .test01: text = Self.test01 + "*.*.accuracy_log_sampling_target = \(try Self.test01Target(benchmark))\n"
        case .test04: text = Self.test04
        case .test06: text = Self.test06
        case .test07:
            try Self.require(benchmark, "gpt-oss-120b", test)
            text = Self.test07
        case .test09:
            try Self.require(benchmark, "gpt-oss-120b", test)
            text = Self.test09
        }
    }

    /// A configuration that somebody else wrote.
    public init(text: String) { self.text = text }

    /// Reads a configuration that somebody else wrote.
    ///
    /// - Throws: `ComplianceError` where it cannot be read.
    public init(contentsOfFile path: String) throws(ComplianceError) { text = try TextFile.read(path) }

    /// The number behind a key of the verification (`test07_accuracy_threshold`), whatever model and scenario stand before it.
    ///
    /// Comments after `#` are left out; the last line with the key holds, as in the official scripts.
    ///
    /// - Parameter name: The key's last part.
    /// - Returns: The number; nil where no line has the key with a number.
    public func number(_ name: String) -> Double? {
        var found: Double?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "="), line.first(where: { !$0.isWhitespace }) != "#" else {
                continue
            }
            let key = line[..<equals].split(separator: ".", omittingEmptySubsequences: false)
            guard key.count >= 3, let last = key.last, trimmed(last) == name else { continue }
            let value = line[line.index(after: equals)...].prefix { $0 != "#" }
            if let number = Double(trimmed(value)), number.isFinite { found = number }
        }
        return found
    }

    /// The configuration with as many loaded samples as it has queries, where each loaded sample is issued once.
    ///
    /// The data set of such a test (TEST07: 990 samples) may be smaller than the benchmark's own
    /// `performance_sample_count_override`; in Offline, no query could then be filled.
    ///
    /// - Returns: The configuration with one line more, or as it is where that line is not needed.
    public func fillingItsQuery() -> AuditConfiguration {
        let key = "performance_sample_count_override"
        guard number("performance_issue_unique") == 1, number(key) == nil,
            let count = number("min_query_count").flatMap(Int.init(exactly:)), count > 0
        else { return self }
        return AuditConfiguration(text: text + (text.hasSuffix("\n") ? "" : "\n") + "*.*.\(key) = \(count)\n")
    }

    private static func require(
        _ benchmark: String,
        _ published: String,
        _ test: ComplianceTest
    ) throws(ComplianceError) {
        guard benchmark != published else { return }
        throw ComplianceError(
            source: test.rawValue,
            reason: "MLCommons publishes an audit.config for \(published), none for \"\(benchmark)\"; "
                + "give one with --audit-config FILE"
        )
    }
}

/// A piece of a line without blanks around it.
func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
}

extension AuditConfiguration {
    private static let logged = """
        *.*.mode = 2
        *.*.accuracy_log_rng_seed = 720381539243781796

        """

    private static let test01 = logged

    private static func test01Target(_ benchmark: String) throws(ComplianceError) -> Int {
        guard benchmark == "wan-2.2-t2v-a14b" else {
            throw ComplianceError(
                source: "TEST01",
                reason: "the audit.config is known for wan-2.2-t2v-a14b, not for \"\(benchmark)\"; "
                    + "give one with --audit-config FILE"
            )
        }
        return 50
    }

    private static let test04 = ["MultiStream", "Offline", "SingleStream", "Server"].map { scenario in
        """
        *.\(scenario).mode = 2
        *.\(scenario).performance_issue_unique = 0
        *.\(scenario).performance_issue_same = 1
        *.\(scenario).performance_issue_same_index = 3

        """
    }.joined()

    private static let test06 =
        logged + """
            *.*.accuracy_log_sampling_target = 100
            *.*.min_query_count = 100
            *.*.min_duration = 0
            *.*.sample_concatenate_permutation = 0

            """

    private static let test07 =
        logged + """
            *.*.accuracy_log_sampling_target = 990
            *.*.min_query_count = 990
            *.*.min_duration = 0
            *.*.performance_issue_unique = 1
            *.*.sample_concatenate_permutation = 0
            *.*.test07_accuracy_threshold = 60.698

            """

    private static let test09 =
        logged + """
            *.*.accuracy_log_sampling_target = 10000
            *.*.min_query_count = 6396
            *.*.min_duration = 0
            *.*.performance_issue_unique = 1
            *.*.sample_concatenate_permutation = 0
            *.*.test09_min_output_tokens = 1150.38
            *.*.test09_max_output_tokens = 1406.02

            """
}
