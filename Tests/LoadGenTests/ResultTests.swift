@testable import Core
import JSON
import RunRecords
import Testing

/// Metrics, verdicts and their texts against the official result code on the same latencies.
@Suite struct ResultTests {
    @Test func everyRecordedSummaryIsReproduced() throws {
        for record in try Golden.cases("results.json") ?? [] {
            let name = try record["name"].string()
            try Golden.run("results/\(name)") {
                let input = record["input"]
                let settings = try GoldenSettings.read(record["settings"])
                let effective = try EffectiveSettings(
                    settings,
                    performanceCount: try input["perf"].optional?.number() ?? 1024,
                    totalCount: try input["total"].optional?.number() ?? 1024
                )
                var measured = RunMeasurements()
                measured.sampleLatencies = try list(input, "lat")
                measured.queryLatencies = try list(input, "qlat")
                measured.firstTokenLatencies = try list(input, "ttft")
                measured.timePerOutputToken = try list(input, "tpot")
                measured.tokensPerSample = try list(input, "ntok")
                measured.queriesIssued = try input["queries_issued"].number()
                measured.maxLatency = try seconds(input, "max_latency")
                measured.finalQueryScheduledTime = try seconds(input, "sched_time")
                measured.finalQueryIssuedTime = try seconds(input, "issued_time")
                measured.finalQueryDoneTime = try seconds(input, "done_time")
                let summary = PerformanceSummary(sutName: "golden-sut", settings: effective, measurements: measured)

                let text = summary.summaryText() + EncounterCounts.text(warnings: 0, errors: 0)
                let expectedText = try record["summary"].string()
                for (line, expected) in zip(text.split(separator: "\n"), expectedText.split(separator: "\n")) {
                    #expect(line == expected, "\(name)")
                }
                #expect(text == expectedText, "\(name)")

                var entries = summary.detailEntries()
                entries.append((key: "num_errors", value: .count(0)))
                let expected = try record["detail"].array()
                #expect(entries.map(\.key) == (try expected.map { try $0["key"].string() }), "\(name)")
                for (entry, field) in zip(entries, expected) {
                    let same = try field["value"].matches(entry.value)
                    #expect(same, "\(name) \(entry.key) = \(entry.value.json)")
                }
            }
        }
    }

    @Test func earlyStoppingNeedsAsManyQueriesAsRecorded() throws {
        for record in try Golden.cases("findmin.json") ?? [] {
            let percentile = try record["p"].double()
            let rule = EarlyStopping(percentile: percentile)
            try Golden.run("findmin/p_\(percentile)") {
                for point in try record["points"].array() {
                    let over = try point[0].int()
                    #expect(rule.leastUnder(over: over) == (try point[1].int()), "h(\(over)) at \(percentile)")
                }
            }
        }
    }

    /// The specification names h at large t, where a careless sum overflows.
    @Test func earlyStoppingStaysFiniteForLargeRuns() {
        #expect(EarlyStopping(percentile: 0.99).leastUnder(over: 30_000) == 3_010_338)
        #expect(EarlyStopping(percentile: 0.90).leastUnder(over: 50_000) == 454_959)
    }

    /// Bisection must give what the plain definition gives: the first t >= 2 with N < h(t) + t, less one.
    @Test func discardedLatenciesFollowTheDefinition() {
        let rule = EarlyStopping(percentile: 0.9)
        for count in [64, 65, 79, 80, 81, 82, 100, 333, 1000] {
            var t = 1
            for i in 2...count where count < rule.leastUnder(over: i) + i {
                t = i - 1
                break
            }
            #expect(rule.discarded(of: count) == t, "\(count) queries")
        }
    }

    @Test func aRunThatCompletedNothingIsDescribedWithoutATrap() throws {
        for scenario in Scenario.allCases {
            var settings = TestSettings()
            settings.scenario = scenario
            settings.useTokenLatencies = true
            let effective = try EffectiveSettings(settings, performanceCount: 8, totalCount: 8)
            let summary = PerformanceSummary(sutName: "s", settings: effective, measurements: RunMeasurements())
            #expect(!summary.validity.isValid)
            #expect(summary.summaryText().contains("Result is : INVALID"))
            #expect(!summary.detailEntries().isEmpty)
        }
    }

    private func seconds(_ input: JSONField, _ key: String) throws -> Double {
        guard let field = try input[key].optional else { return 0 }
        return try #require(Double(try field.string()))
    }

    /// The list that a specification `count,seed,base,spread[,outliers,value]` stands for.
    private func list(_ input: JSONField, _ key: String) throws -> [Int64] {
        guard let field = try input[key].optional else { return [] }
        let numbers = try field.string().split(separator: ",").map { try #require(UInt64($0)) }
        var x = numbers[1]
        var list: [Int64] = []
        for _ in 0..<numbers[0] {
            x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            list.append(Int64(numbers[2] + (x >> 33) % numbers[3]))
        }
        if numbers.count > 4 {
            for i in 0..<Int(numbers[4]) {
                list[i] = Int64(numbers[5])
            }
        }
        return list
    }
}

extension JSONField {
    /// A count that is written as a text.
    func number() throws -> UInt64 {
        try #require(UInt64(try string()))
    }

    /// Whether a log value is this one.
    ///
    /// Doubles were rounded to six digits when this was recorded.
    func matches(_ value: LogValue) throws -> Bool {
        switch value {
        case .text: value.json == "\"\(try string())\""
        case .flag(let flag): try bool() == flag
        case .integer(let integer): try double() == Double(integer)
        case .count(let count): try uint64() == count
        case .real(let real): try double() == Double(DefaultNumberFormat.text(real))
        case .indices(let list): try array().map { try $0.uint64() } == list
        case .dictionary: false
        }
    }
}
