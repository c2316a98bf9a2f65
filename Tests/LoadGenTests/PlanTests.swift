@testable import Core
import JSON
import Testing

/// Plans against those of the official generator: every index, offset and number.
@Suite struct PlanTests {
    @Test func everyRecordedPlanIsReproduced() throws {
        for record in try Golden.cases("plan.json") ?? [] {
            let name = try record["name"].string()
            try Golden.run("plan/\(name)") {
                let settings = try GoldenSettings.read(record["settings"])
                let effective = try EffectiveSettings(
                    settings,
                    performanceCount: try record["qsl"]["perf"].uint64(),
                    totalCount: try record["qsl"]["total"].uint64()
                )
                try checkEffective(effective, record["effective"], name)
                try checkRuns(effective, record, name)
                try checkConfiguration(record, settings, name)
            }
        }
    }

    private func checkEffective(_ effective: EffectiveSettings, _ expected: JSONField, _ name: String) throws {
        #expect(effective.scenario.rawValue == (try expected["scenario"].string()), "\(name)")
        #expect(effective.mode.rawValue == (try expected["mode"].string()), "\(name)")
        #expect(effective.targetQps == (try expected["target_qps"].double()), "\(name)")
        #expect(effective.targetLatencyPercentile == (try expected["target_latency_percentile"].double()), "\(name)")
        let integers: [(String, UInt64)] = [
            ("samples_per_query", effective.samplesPerQuery), ("target_latency_ns", effective.targetLatencyNs),
            ("max_async_queries", effective.maxAsyncQueries), ("min_query_count", effective.minQueryCount),
            ("target_duration_ms", UInt64(effective.targetDurationNs / 1_000_000)),
            ("min_duration_ms", UInt64(effective.minDurationNs / 1_000_000)),
            ("max_duration_ms", UInt64(effective.maxDurationNs / 1_000_000)),
            ("max_query_count", effective.requested.maxQueryCount), ("min_sample_count", effective.minSampleCount),
            ("performance_sample_count", effective.performanceSampleCount),
            ("accuracy_sample_count", effective.accuracySampleCount),
        ]
        for (key, value) in integers {
            #expect(value == (try expected[key].uint64()), "\(name) \(key)")
        }
    }

    private func checkRuns(_ effective: EffectiveSettings, _ record: JSONField, _ name: String) throws {
        let total = try record["qsl"]["total"].uint64()
        let runs = try record["runs"].array()
        guard try runs.allSatisfy({ try $0["queries"].int() > 0 }) else {
            // The official library crashes on such a plan; ours is an error.
            #expect(throws: LoadGenError.self, "\(name)") { try QueryPlan.phases(of: effective, totalCount: total) }
            return
        }
        let plans = try QueryPlan.phases(of: effective, totalCount: total)
        #expect(plans.map(\.mode.rawValue) == (try runs.map { try $0["mode"].string() }), "\(name)")
        for (number, (plan, run)) in zip(plans, runs).enumerated() {
            let place = "\(name), run \(number)"
            let lists: [(String, [UInt64])] = [
                ("loaded", plan.loaded.indices), ("index", plan.indices),
                ("sched_ns", plan.scheduledOffsets.map { UInt64(bitPattern: $0) }),
            ]
            for (key, list) in lists {
                let difference = try Golden.difference(list, key, in: run)
                #expect(difference == nil, "\(place)")
            }
            #expect(plan.loaded.distributionEnd == (try run["sample_distribution_end"].int()), "\(place)")
            #expect(plan.queryCount == (try run["queries"].int()), "\(place)")
            #expect(plan.firstQueryID == (try run["first_query_id"].uint64()), "\(place)")
            #expect(plan.firstSampleID == (try run["first_sample_id"].uint64()), "\(place)")
            if let length = try run["query_len"].optional {
                #expect(plan.samplesPerQuery == (try length.int()), "\(place)")
            }
            try checkSampling(plan, run, place)
            try checkGenerated(plan, run, record, place)
        }
    }

    private func checkSampling(_ plan: QueryPlan, _ run: JSONField, _ place: String) throws {
        guard let offset = try run["acc_log_offset"].optional else { return }
        #expect(plan.accuracyLogOffset == (try offset.double()), "\(place)")
        #expect(plan.accuracyLogProbability == (try run["acc_log_prob"].double()), "\(place)")
        let logged = plan.loggedSamples.map { plan.firstSampleID + UInt64($0) }
        #expect(try Golden.difference(logged, "acc_logged_sample_ids", in: run) == nil, "\(place)")
    }

    private func checkGenerated(_ plan: QueryPlan, _ run: JSONField, _ record: JSONField, _ place: String) throws {
        let runs = try record["runs"].array()
        let detail = try record["detail"].array()
        guard let number = try runs.firstIndex(where: { try $0["first_query_id"].uint64() == plan.firstQueryID }) else {
            return
        }
        let durations = try detail.filter { try $0["key"].string() == "generated_query_duration" }
        let lengths = try detail.filter { try $0["key"].string() == "generated_samples_per_query" }
        guard durations.count == runs.count, lengths.count == runs.count else { return }
        #expect(UInt64(plan.generatedDuration) == (try durations[number]["value"].uint64()), "\(place)")
        #expect(UInt64(plan.samplesPerQuery) == (try lengths[number]["value"].uint64()), "\(place)")
    }

    /// Where a case came from configuration files, reading them must lead to the same settings.
    private func checkConfiguration(_ record: JSONField, _ expected: TestSettings, _ name: String) throws {
        guard let user = try record["user_conf"].optional, let model = try record["args"]["model"].optional else {
            return
        }
        guard let round = MLPerfRound.allCases.first(where: { $0.qslRngSeed == expected.qslRngSeed }) else { return }
        var reader = SettingsReader(round: round)
        var settings = TestSettings()
        settings.scenario = expected.scenario
        settings.mode = .performanceOnly
        _ = reader.apply(
            text: try user.string(),
            origin: .user,
            model: try model.string(),
            scenario: expected.scenario,
            to: &settings
        )
        if let audit = try record["audit_config"].optional {
            _ = reader.apply(
                text: try audit.string(),
                origin: .audit,
                model: "*",
                scenario: expected.scenario,
                to: &settings
            )
        }
        settings.mode = expected.mode
        // Overrides on the command line of the recording program are not part of the files.
        var differences = GoldenSettings.differences(settings, expected)
        for (key, _) in try record["args"].members() {
            differences.removeAll { $0.hasPrefix(key) }
        }
        #expect(differences == [], "\(name), from its configuration files")
    }
}
