import JSON
import RunRecords

/// A run's folder made for a test.
struct SyntheticRun {
    var scenario = "Server"
    var sutName = "system"
    var usesTokens = true
    var samplesPerQuery = 1
    /// Of each query.
    var scheduled: [Int64] = []
    /// Of each sample: from the query's scheduled time.
    var firstToken: [Int64] = []
    var latency: [Int64] = []
    var tokens: [Int64] = []
    /// Entries after the usual ones; a later value of a key counts.
    var entries: [(String, JSON)] = []

    /// So many samples at even distances, with latencies that spread by a rule without a pattern.
    static func even(_ count: Int, gap: Int64 = 1_000_000, usesTokens: Bool = true) -> SyntheticRun {
        var run = SyntheticRun(usesTokens: usesTokens)
        var state: UInt64 = 88_172_645_463_325_252
        for sample in 0..<count {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            run.scheduled.append(Int64(sample) * gap)
            let latency = 10_000_000 + Int64(state % 90_000_000)
            run.latency.append(latency)
            run.firstToken.append(latency / 4)
            run.tokens.append(2 + Int64(state >> 32) % 60)
        }
        return run
    }

    func write(to folder: String, samples: Bool = true) throws {
        var log: [(String, JSON)] = [
            ("loadgen_version", "6.0 @ test"), ("test_datetime", "2026-11-21T00:00:00Z"),
            ("sut_name", .string(sutName)),
            ("effective_scenario", .string(scenario)), ("effective_test_mode", "PerformanceOnly"),
            ("effective_target_qps", 1000), ("effective_target_latency_percentile", 0.99),
            ("effective_min_duration_ms", 10), ("effective_min_query_count", 10),
            ("effective_target_latency_ns", 100_000_000),
        ]
        if usesTokens {
            log += [
                ("requested_use_token_latencies", true), ("requested_server_ttft_latency", 200_000_000),
                ("requested_server_tpot_latency", 20_000_000),
            ]
        }
        log += [
            ("result_validity", "VALID"), ("result_query_count", JSON(scheduled.count)),
            ("result_max_latency_ns", JSON(latency.max() ?? 0)),
        ]
        log += entries
        var text = ""
        for (key, value) in log {
            text += ":::MLLOG {\"key\": \"\(key)\", \"value\": \(value.text()), \"time_ms\": 1.000000, \"namespace\": "
            text += "\"mlperf::logging\", \"event_type\": \"POINT_IN_TIME\", \"metadata\": {\"is_error\": false, "
            text += "\"is_warning\": false, \"file\": \"x\", \"line_no\": 1, \"pid\": 1, \"tid\": 1}}\n"
        }
        ScratchFolder.write(text, to: "\(folder)/mlperf_log_detail.txt")
        guard samples else { return }
        let header = SampleTimes.Header(
            scenario: scenario,
            mode: "PerformanceOnly",
            queryCount: scheduled.count,
            samplesPerQuery: samplesPerQuery
        )
        try SampleTimes.write(to: "\(folder)/\(SampleTimes.fileName)", header: header) { column, range, values in
            for (place, row) in range.enumerated() {
                let due = column.isForQueries ? 0 : scheduled[row / samplesPerQuery]
                values[place] =
                    switch column {
                    case .scheduled, .issued: scheduled[row]
                    case .libraryIndex: Int64(row)
                    case .firstToken: firstToken.isEmpty ? -1 : due + firstToken[row]
                    case .completed: latency[row] < 0 ? -1 : due + latency[row]
                    case .tokens: tokens.isEmpty ? 0 : tokens[row]
                    case .failed: 0
                    }
            }
        }
    }
}
