internal import Compliance
internal import Core
internal import Submission

/// What an MLPerf round asks of a benchmark: its scenarios and its compliance tests.
enum RequiredLegs {
    /// The scenarios of a submission from a data centre; of those among which it may choose, the first.
    ///
    /// - Returns: Offline alone for what is no benchmark of the round.
    static func scenarios(of benchmark: String?, round: String) -> [RequestedScenario] {
        guard let requirement = rules(benchmark, round)?.scenarios[.datacenter] else { return [.offline] }
        let names = requirement.all + requirement.oneOf.prefix(1)
        return names.compactMap { RequestedScenario(rawValue: $0.rawValue) }
    }

    /// The compliance tests of a closed submission, the same for every scenario.
    static func tests(of benchmark: String?, round: String) -> [ComplianceTest] {
        (rules(benchmark, round)?.tests ?? []).compactMap { ComplianceTest(rawValue: $0.name) }
    }

    /// A benchmark's name without the variants of accuracy and latency.
    static func family(_ benchmark: String) -> String {
        for suffix in ["-interactive", "-99.9", "-99"] where benchmark.hasSuffix(suffix) {
            return String(benchmark.dropLast(suffix.count))
        }
        return benchmark
    }

    private static func rules(_ benchmark: String?, _ round: String) -> ModelRules? {
        benchmark.flatMap { name in (try? RoundRules.named(round))?.variants(of: family(name)).first }
    }
}
