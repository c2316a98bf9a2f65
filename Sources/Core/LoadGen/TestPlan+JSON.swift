import JSON

extension TestPlan {
    /// Hands the plan out as one JSON text, piece by piece: a plan may have millions of samples.
    ///
    /// Members and lists have the names of the recordings of the official LoadGen: `qsl`, `settings`, `effective`, `runs`
    /// and `detail`.  A list `X` comes with `X_count` and `X_fnv`, its FNV-1a hash over the elements as 8 little-endian
    /// bytes each (offset 1469598103934665603, prime 1099511628211), in 16 hexadecimal digits.
    ///
    /// - Parameter write: Takes the next piece.
    public func writeJSON(to write: (String) -> Void) {
        write("{\"qsl\":{\"total\":\(totalCount),\"perf\":\(performanceCount)},\n")
        write("\"settings\":\(requested.json.text()),\n")
        write("\"effective\":\(effective.text()),\n\"runs\":[")
        for (number, plan) in phases.enumerated() {
            write(number == 0 ? "\n" : ",\n")
            Self.write(plan, to: write)
        }
        write("],\n\"detail\":\(detail.text())}\n")
    }

    private var effective: JSON {
        [
            "scenario": .string(settings.scenario.rawValue), "mode": .string(settings.mode.rawValue),
            "samples_per_query": JSON(settings.samplesPerQuery), "target_qps": .number(settings.targetQps),
            "target_latency_ns": JSON(settings.targetLatencyNs),
            "target_latency_percentile": .number(settings.targetLatencyPercentile),
            "max_async_queries": JSON(settings.maxAsyncQueries),
            "target_duration_ms": .integer(settings.targetDurationNs / 1_000_000),
            "min_duration_ms": .integer(settings.minDurationNs / 1_000_000),
            "max_duration_ms": .integer(settings.maxDurationNs / 1_000_000),
            "min_query_count": JSON(settings.minQueryCount), "max_query_count": JSON(requested.maxQueryCount),
            "min_sample_count": JSON(settings.minSampleCount),
            "performance_sample_count": JSON(settings.performanceSampleCount),
            "accuracy_sample_count": JSON(settings.accuracySampleCount),
            "sample_concatenate_permutation": .bool(requested.sampleConcatenatePermutation),
            "use_token_latencies": .bool(requested.useTokenLatencies),
            "server_ttft_latency": JSON(requested.serverTtftLatency),
            "server_tpot_latency": JSON(requested.serverTpotLatency),
        ]
    }

    /// The entries that the detail log would hold: what is wrong with the settings, and the size of each phase.
    private var detail: JSON {
        var entries = messages.map { message in
            JSON.object(
                JSONObject([
                    ("key", .string(message.key)), ("value", .string(message.text)),
                    ("is_error", .bool(message.severity == .error)),
                ])
            )
        }
        for plan in phases {
            let sizes: [(String, JSON)] = [
                ("generated_query_count", JSON(UInt64(plan.queryCount))),
                ("generated_samples_per_query", JSON(UInt64(plan.samplesPerQuery))),
                ("generated_query_duration", .integer(plan.generatedDuration)),
            ]
            entries += sizes.map { ["key": .string($0.0), "value": $0.1] }
        }
        return .array(entries)
    }

    private static func write(_ plan: QueryPlan, to write: (String) -> Void) {
        write("{\"mode\":\"\(plan.mode.rawValue)\",")
        list("loaded", plan.loaded.indices, write)
        write("\"sample_distribution_end\":\(plan.loaded.distributionEnd),\"queries\":\(plan.queryCount),")
        write("\"first_query_id\":\(plan.firstQueryID),\"first_sample_id\":\(plan.firstSampleID),")
        list("index", plan.indices, write)
        list("sched_ns", plan.scheduledOffsets, write)
        write("\"query_len\":\(plan.samplesPerQuery),\"acc_log_offset\":\(JSON.number(plan.accuracyLogOffset).text()),")
        write("\"acc_log_prob\":\(JSON.number(plan.accuracyLogProbability).text())")
        if plan.mode == .performanceOnly {
            write(",")
            let ids = plan.loggedSamples.map { plan.firstSampleID + UInt64($0) }
            list("acc_logged_sample_ids", ids, write, isLast: true)
        }
        write("}")
    }

    private static func list<Number: FixedWidthInteger>(
        _ name: String,
        _ numbers: [Number],
        _ write: (String) -> Void,
        isLast: Bool = false
    ) {
        write("\"\(name)_fnv\":\"\(hash(numbers))\",\"\(name)_count\":\(numbers.count),\"\(name)\":[")
        var piece = ""
        for (position, number) in numbers.enumerated() {
            piece += position == 0 ? "\(number)" : ",\(number)"
            if piece.utf8.count > 1 << 16 {
                write(piece)
                piece = ""
            }
        }
        write(piece + (isLast ? "]" : "],"))
    }

    /// FNV-1a over each element's eight little-endian bytes.
    static func hash<Number: FixedWidthInteger>(_ numbers: [Number]) -> String {
        var hash: UInt64 = 1_469_598_103_934_665_603
        for number in numbers {
            let word = UInt64(truncatingIfNeeded: number)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                hash = (hash ^ ((word >> shift) & 0xFF)) &* 1_099_511_628_211
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
