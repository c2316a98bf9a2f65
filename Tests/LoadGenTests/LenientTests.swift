@testable import Core
import FoundationEssentials
import Testing

/// What the lenient mode changes in a run: an end by an upper limit is no error.
@Suite struct LenientTests {
    @Test(arguments: [false, true])
    func anUpperLimitEndsTheRun(_ isLenient: Bool) throws {
        var settings = shortSettings(.singleStream, queries: 50)
        settings.minDurationMs = 1000
        settings.maxQueryCount = 60
        let ledger = SampleLedger()
        let folder = temporaryFolder("lenient-\(isLenient)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = LoadGenRun.Options()
        options.isLenient = isLenient
        let result = try LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 8, performance: 8),
            sut: StubSystem(ledger) { ledger, samples in
                for sample in samples { ledger.answer(sample.id) }
            },
            output: folder,
            ledger: ledger,
            options: options
        ).run()
        #expect(result.completedSamples == 60)
        #expect(result.errors == (isLenient ? 0 : 1))
        #expect(try text("\(folder)/mlperf_log_detail.txt").contains("Max query count reached. query_count 60"))
    }
}
