internal import Compliance
internal import Core

/// What MLPerf's rounds ask of a benchmark: its scenarios and its compliance tests.
enum RequiredLegs {
    /// The scenarios that a submission has, as far as there is no choice; Offline for what is no benchmark of a round.
    static func scenarios(of benchmark: String?) -> [RequestedScenario] {
        switch benchmark.map(family) {
        case "llama2-70b", "gpt-oss-120b": [.offline, .server]
        case "wan-2.2-t2v-a14b": [.offline, .singleStream]
        default: [.offline]
        }
    }

    /// The compliance tests of a closed submission, the same for every scenario.
    static func tests(of benchmark: String?, round: String) -> [ComplianceTest] {
        switch benchmark.map(family) {
        case "llama2-70b": [.test06]
        case "gpt-oss-120b": [.test07, .test09]
        case "wan-2.2-t2v-a14b": [.test04]
        default: []
        }
    }

    /// A benchmark's name without the variants of accuracy and latency.
    static func family(_ benchmark: String) -> String {
        for suffix in ["-interactive", "-99.9", "-99"] where benchmark.hasSuffix(suffix) {
            return String(benchmark.dropLast(suffix.count))
        }
        return benchmark
    }
}
