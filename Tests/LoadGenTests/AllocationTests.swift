@testable import Core
import CPluginAPI
import FoundationEssentials
import Glibc
import MallocCounter
import Synchronization
import Testing

/// Issuing and completing a sample of a performance run allocates nothing once the run is under way.
@Suite struct AllocationTests {
    private static let counterWorks = malloc_counter_works() == 1

    /// Notes the calling thread's allocations at two moments of the run.
    private final class Window: Sendable {
        private let first = Atomic<Int>(-1)
        private let last = Atomic<Int>(-1)

        func note(_ sample: Int, of count: Int) {
            let allocations = Int(malloc_counter_thread_allocations())
            if sample == count / 10 { first.store(allocations, ordering: .relaxed) }
            if sample == count - 1 { last.store(allocations, ordering: .relaxed) }
        }

        var allocations: Int? {
            let (from, to) = (first.load(ordering: .relaxed), last.load(ordering: .relaxed))
            return from < 0 || to < 0 ? nil : to - from
        }
    }

    /// Swift's own allocations must be seen, or a zero means nothing.
    @Test(.enabled(if: counterWorks, "a sanitizer has replaced malloc"))
    func theCounterSeesSwift() {
        let before = malloc_counter_thread_allocations()
        let list = (0..<1000).map { "\($0) is a text too long to be stored in place" }
        #expect(list.count == 1000)
        #expect(malloc_counter_thread_allocations() >= before + 1000)
    }

    @Test(
        .enabled(if: counterWorks, "a sanitizer has replaced malloc"),
        arguments: Scenario.allCases,
        [false, true]
    )
    func issuingAndCompletingAllocatesNothing(_ scenario: Scenario, _ tokens: Bool) throws {
        let count = 2000
        var settings = shortSettings(scenario, queries: UInt64(count))
        settings.useTokenLatencies = tokens
        settings.serverTargetQps = 100_000
        let window = Window()
        let ledger = SampleLedger()
        let system = StubSystem(ledger) { ledger, samples in
            for sample in samples {
                var result = mlp_result()
                result.id = sample.id
                result.token_count = 5
                if tokens { _ = ledger.firstToken(&result, 1) }
                _ = ledger.complete(&result, 1)
                window.note(Int(UInt32(truncatingIfNeeded: sample.id)) - 1, of: count)
            }
        }
        let folder = temporaryFolder("malloc-\(scenario)-\(tokens)")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let result = try LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: 64, performance: 64),
            sut: system,
            output: folder,
            ledger: ledger
        ).run()
        #expect(result.misuse == SampleMisuse() && result.completedSamples >= count)
        #expect(window.allocations == 0)
    }

    /// The same where another thread completes and the issuing thread has to be woken.
    @Test(.enabled(if: counterWorks, "a sanitizer has replaced malloc"))
    func completingOnAnotherThreadAllocatesNothing() throws {
        let count = 2000
        let issuing = Window()
        let completing = Window()
        let pending = Atomic<UInt64>(0)
        let ledger = SampleLedger()
        let system = StubSystem(ledger) { _, samples in
            Self.store(samples[0].id, pending)
            issuing.note(Int(UInt32(truncatingIfNeeded: samples[0].id)) - 1, of: count)
        }
        let worker = try BackgroundThread {
            var done = 0
            while done < count {
                var result = mlp_result()
                result.id = Self.take(pending)
                guard result.id != 0 else { continue }
                _ = ledger.complete(&result, 1)
                completing.note(done, of: count)
                done += 1
            }
        }
        let folder = temporaryFolder("malloc-threads")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = LoadGenRun(
            settings: shortSettings(.singleStream, queries: UInt64(count)),
            qsl: NotedLibrary(total: 64, performance: 64),
            sut: system,
            output: folder,
            ledger: ledger
        )
        let result = try run.run()
        worker.join()
        #expect(result.completedSamples == count)
        #expect(issuing.allocations == 0)
        #expect(completing.allocations == 0)
    }

    private static func store(_ id: UInt64, _ pending: borrowing Atomic<UInt64>) {
        pending.store(id, ordering: .releasing)
    }

    private static func take(_ pending: borrowing Atomic<UInt64>) -> UInt64 {
        pending.exchange(0, ordering: .acquiringAndReleasing)
    }
}
