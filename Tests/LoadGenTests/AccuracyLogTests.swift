@testable import Core
import FoundationEssentials
import JSON
import Synchronization
import Testing

/// The accuracy log under load: every response once, and memory that does not grow with the log.
@Suite struct AccuracyLogTests {
    @Test func manyThreadsAnswerAndEveryResponseIsWritten() throws {
        let count: UInt64 = 3000
        var settings = shortSettings(.offline)
        settings.mode = .accuracyOnly
        settings.useTokenLatencies = true
        let ledger = SampleLedger()
        let system = StubSystem(ledger) { ledger, samples in
            let copies = Array(samples)
            try withThreads(4) { number in
                for sample in copies where Int(sample.index) % 4 == number {
                    ledger.answer(
                        sample.id,
                        bytes: [UInt8](repeating: UInt8(sample.index & 255), count: Int(sample.index)),
                        tokens: sample.index + 2
                    )
                }
            }
        }
        let folder = temporaryFolder("accuracy")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let result = try LoadGenRun(
            settings: settings,
            qsl: NotedLibrary(total: count, performance: 1000),
            sut: system,
            output: folder,
            ledger: ledger
        ).run()
        #expect(result.isValid && result.summary == nil)
        #expect(result.completedSamples == Int(count))
        let path = "\(folder)/mlperf_log_accuracy.json"
        let entries = try JSONField(try JSON(contentsOfFile: path), at: path).array()
        #expect(entries.count == Int(count))
        var numbers: Set<UInt64> = []
        for entry in entries {
            let index = try entry["qsl_idx"].uint64()
            numbers.insert(try entry["seq_id"].uint64())
            let digits = String(index & 255 | 256, radix: 16, uppercase: true).dropFirst()
            #expect(try entry["data"].string() == String(repeating: String(digits), count: Int(index)))
            #expect(try entry["token_count"].uint64() == index + 2)
        }
        #expect(numbers.count == Int(count))
    }

    /// 400 MB of responses pass through while the backlog is bounded by 64 MB.
    @Test func theBacklogIsBounded() {
        let box = ResponseMailbox(hasTokens: false, wantsFirstTokens: false)
        let bytes = [UInt8](repeating: 7, count: 1 << 20)
        #expect(throws: Never.self) {
            try withThreads(2) { number in
                if number == 0 {
                    for sample in 0..<400 {
                        bytes.withUnsafeBytes {
                            box.putResponse(sample: UInt64(sample), index: 0, bytes: $0, tokenCount: 0)
                        }
                    }
                    box.close()
                } else {
                    var next: UInt64 = 0
                    while next < 400 {
                        #expect(box.backlog <= (64 << 20) + (2 << 20))
                        _ = box.drain { entry in
                            #expect(entry.sample == next && entry.data.count == 1 << 20)
                            next += 1
                        }
                    }
                }
            }
        }
    }
}
