@testable import Core
import CPluginAPI
import Synchronization

/// A system whose behaviour is given by closures; the ledger is passed along so that they can answer.
final class StubSystem: SystemUnderTest {
    let name = "stub"
    let ledger: SampleLedger
    private let onIssue: @Sendable (SampleLedger, UnsafeBufferPointer<IssuedSample>) throws -> Void
    private let onFlush: @Sendable () throws -> Void
    private let cancelledIDs = Mutex<[UInt64]>([])

    init(
        _ ledger: SampleLedger,
        flush: @escaping @Sendable () throws -> Void = {},
        issue: @escaping @Sendable (SampleLedger, UnsafeBufferPointer<IssuedSample>) throws -> Void
    ) {
        self.ledger = ledger
        onIssue = issue
        onFlush = flush
    }

    var cancelled: [UInt64] { cancelledIDs.withLock { $0 } }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {}

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        try onIssue(ledger, samples)
    }

    func flush() throws {
        try onFlush()
    }

    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {
        cancelledIDs.withLock { $0 += Array(ids) }
    }
}

extension SampleLedger {
    /// Completes one sample with the given bytes.
    @discardableResult
    func answer(_ id: UInt64, status: mlp_status = 0, bytes: [UInt8] = [], tokens: UInt64 = 0) -> mlp_status {
        bytes.withUnsafeBytes { buffer in
            var result = mlp_result()
            result.id = id
            result.status = status
            result.data = mlp_bytes(data: buffer.baseAddress, size: UInt64(buffer.count))
            result.token_count = tokens
            return complete(&result, 1)
        }
    }
}

/// Settings for a short performance run.
func shortSettings(_ scenario: Scenario, queries: UInt64 = 100) -> TestSettings {
    var settings = TestSettings()
    settings.scenario = scenario
    settings.minDurationMs = 0
    settings.minQueryCount = queries
    settings.serverTargetQps = 20_000
    settings.serverTargetLatencyNs = 1_000_000_000
    settings.multiStreamSamplesPerQuery = 4
    return settings
}
