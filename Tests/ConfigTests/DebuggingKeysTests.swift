import Testing

@testable import Core

/// Settings that contradict each other, and the draw of a smaller data set.
@Suite("Debugging keys and contradictions")
struct DebuggingKeysTests {
    private static func configuration(_ words: String...) throws -> RunConfiguration {
        try RunConfiguration(words: ["--plugin", "libNull.so"] + words)
    }

    @Test("Keys of AMD's harness reach the configuration and no longer are without effect")
    func keys() throws {
        let read = try Self.configuration(
            "harness_config.debug_record_sample_latencies=True",
            "harness_config.debug_print_finished=True",
            "harness_config.debug_dump_model_output=True",
            "harness_config.debug_model_output_path=a",
            "harness_config.debug_latency_output_path=b",
            "harness_config.debug_dataset_sampling_size=7",
            "harness_config.resource_checker_abort_on_failure=True"
        )
        #expect(read.notices.isEmpty, "\(read.notices)")
        #expect(read.recordsSampleLatencies && read.printsFinished && read.dumpsModelOutput)
        #expect(read.modelOutputPath == "a" && read.latencyOutputPath == "b" && read.abortsOnResourceMismatch)
        #expect(read.datasetSamplingSize == 7 && read.datasetSamplingBins == 10 && read.datasetSamplingSeed == 42)
    }

    @Test(
        "Contradictions are errors",
        arguments: [
            ["harness_config.min_query_count=10", "harness_config.max_query_count=9"],
            ["harness_config.debug_dataset_sampling_size=7", "test_mode=accuracy"],
            ["harness_config.debug_dataset_sampling_size=7", "harness_config.total_sample_count=9"],
        ]
    )
    func contradictions(_ words: [String]) {
        #expect(throws: ConfigError.self) { try RunConfiguration(words: ["--plugin", "libNull.so"] + words) }
    }

    @Test("A drawn data set has the shares of the whole, is the same each time, and reaches all of it")
    func draw() throws {
        // 60 short prompts and 40 long ones: lengths 0...59 and 900...939 in two bins.
        let lengths = (0..<60).map { UInt64($0) } + (0..<40).map { UInt64(900 + $0) }
        let sampling = DatasetSampling(size: 10, bins: 2, seed: 42)
        let chosen = try sampling.choose(from: lengths)
        #expect(chosen.filter { $0 < 60 }.count == 6 && chosen.filter { $0 >= 60 }.count == 4)
        #expect(Set(chosen).count == 10 && chosen == chosen.sorted())
        #expect(try sampling.choose(from: lengths) == chosen)
        // Over many seeds every sample is drawn about as often as any other: 1000 expected, 8 deviations of 30.
        var counts = [Int](repeating: 0, count: 100)
        for seed in 0..<10_000 {
            for place in try DatasetSampling(size: 10, bins: 2, seed: UInt64(seed)).choose(from: lengths) {
                counts[Int(place)] += 1
            }
        }
        #expect(counts.allSatisfy { abs($0 - 1000) < 240 }, "\(counts)")
        #expect(try DatasetSampling(size: 100, bins: 7).choose(from: lengths).count == 100)
        #expect(try DatasetSampling(size: 3).choose(from: [5, 5, 5, 5]).count == 3)
        #expect(try DatasetSampling(size: 2).choose(from: [0, .max, .max]).count == 2)
        #expect(throws: ConfigError.self) { try DatasetSampling(size: 5).choose(from: [1, 2, 3, 4]) }
    }

    @Test("A run's time left is governed by count or by duration, whichever is later")
    func timeLeft() {
        var progress = RunProgress(
            stage: .issuing,
            phase: 1,
            phaseCount: 1,
            issued: 100,
            completed: 100,
            firstTokens: 0,
            meanTimeToFirstToken: 0,
            planned: 100_000,
            elapsed: 10_000_000_000,
            targetDuration: 60_000_000_000
        )
        progress.leastSamples = 200
        #expect(ProgressLine.secondsLeft(progress) == 50)
        progress.leastSamples = 1100
        #expect(ProgressLine.secondsLeft(progress) == 100)
        progress.longestDuration = 70_000_000_000
        #expect(ProgressLine.secondsLeft(progress) == 60)
        progress.completed = 0
        #expect(ProgressLine.secondsLeft(progress) == nil)
    }

    @Test("What is easier than MLPerf's rules is told, what is not is not")
    func limits() {
        var settings = TestSettings()
        settings.scenario = .server
        var reader = SettingsReader(round: .v60)
        reader.applyBuiltInRules(model: "llama2-70b", scenario: .server, to: &settings)
        #expect(LimitReview.notes(settings, model: "llama2-70b", round: .v60).isEmpty)
        settings.serverTtftLatency *= 2
        settings.minDurationMs = 1000
        let notes = LimitReview.notes(settings, model: "llama2-70b", round: .v60)
        #expect(notes.count == 2 && notes[0].contains("600000") && notes[1].contains("ttft_latency"), "\(notes)")
        #expect(
            LimitReview.notes(settings, model: "no-such", round: .v60).contains { $0.contains("no line for no-such") }
        )
    }
}
