@testable import Core
import CPluginAPI
import Glibc
import Synchronization

/// A library without data that notes what is loaded.
final class NotedLibrary: QuerySampleLibrary {
    enum Event: Equatable {
        case load([UInt64])
        case unload(Int)
    }

    let name = "golden-qsl"
    let totalCount: UInt64
    let performanceCount: UInt64
    private let noted = Mutex<[Event]>([])

    init(total: UInt64, performance: UInt64) {
        totalCount = total
        performanceCount = performance
    }

    var events: [Event] { noted.withLock { $0 } }

    func load(_ indices: [UInt64]) throws {
        noted.withLock { $0.append(.load(indices)) }
    }

    func unload(_ indices: [UInt64]) throws {
        noted.withLock { $0.append(.unload(indices.count)) }
    }
}

/// The system that answered the recorded runs: token counts and tokens follow from the sample's index.
final class GoldenSystem: SystemUnderTest {
    let name = "golden-sut"
    private let ledger: any ResponseSink
    private let delay: UInt32
    private let tokens: Bool
    private let firstTokens: Bool
    private let isAsynchronous: Bool

    private struct Queue {
        var waiting: [IssuedSample] = []
        var seen: [UInt64] = []
        var isDone = false
    }
    private let queue = Mutex(Queue())
    private let worker = Mutex<BackgroundThread?>(nil)

    init(
        ledger: any ResponseSink,
        delayMicroseconds: UInt32,
        tokens: Bool,
        scenario: Scenario,
        isAsynchronous: Bool
    ) throws {
        self.ledger = ledger
        delay = delayMicroseconds
        self.tokens = tokens
        firstTokens = tokens && scenario != .offline
        self.isAsynchronous = isAsynchronous
        if isAsynchronous {
            let thread = try BackgroundThread { [self] in work() }
            worker.withLock { $0 = thread }
        }
    }

    /// Indices in the order of issue.
    var seen: [UInt64] { queue.withLock { $0.seen } }

    func stop() {
        queue.withLock { $0.isDone = true }
        worker.withLock { $0 }?.join()
    }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {}
    func flush() throws {}
    func cancel(_ ids: UnsafeBufferPointer<UInt64>) {}

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        queue.withLock { queue in
            queue.seen.append(contentsOf: samples.map(\.index))
            if isAsynchronous {
                queue.waiting.append(contentsOf: samples)
            }
        }
        if !isAsynchronous {
            answer(Array(samples))
        }
    }

    private func work() {
        while true {
            let (samples, isDone) = queue.withLock { queue in
                defer { queue.waiting = [] }
                return (queue.waiting, queue.isDone)
            }
            if samples.isEmpty {
                if isDone { return }
                usleep(20)
            }
            for sample in samples {
                answer([sample])
            }
        }
    }

    private func answer(_ samples: [IssuedSample]) {
        if firstTokens {
            for sample in samples {
                report(sample, count: 1) { _ = ledger.firstToken($0, 1) }
            }
        }
        if delay > 0 {
            usleep(delay)
        }
        for sample in samples {
            report(sample, count: 2 + sample.index % 7) { _ = ledger.complete($0, 1) }
        }
    }

    private func report(_ sample: IssuedSample, count: UInt64, _ send: (UnsafePointer<mlp_result>) -> Void) {
        let values = (0..<count).map { Int32(31 * sample.index + $0 + 3) }
        values.withUnsafeBytes { bytes in
            var result = mlp_result()
            result.id = sample.id
            result.data = mlp_bytes(data: bytes.baseAddress, size: UInt64(bytes.count))
            result.token_count = tokens ? count : 0
            send(&result)
        }
    }
}
