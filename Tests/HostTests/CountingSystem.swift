import MallocCounter
import Synchronization

@testable import Core

/// Passes queries on, and notes the issuing thread's allocations after a tenth of them and at the end.
final class CountingSystem: SystemUnderTest {
    let name = "counting"
    private let plugin: PluginUnderTest
    private let queries: Int
    private let issued = Atomic<Int>(0)
    private let first = Atomic<Int>(-1)
    private let last = Atomic<Int>(-1)

    init(_ plugin: PluginUnderTest, queries: Int) {
        self.plugin = plugin
        self.queries = queries
    }

    /// Allocations between the two; nil if the run was too short.
    var allocations: Int? {
        let (from, to) = (first.load(ordering: .relaxed), last.load(ordering: .relaxed))
        return from < 0 || to < 0 ? nil : to - from
    }

    func reserve(samplesPerQuery: Int, sampleCount: Int) throws {
        try plugin.reserve(samplesPerQuery: samplesPerQuery, sampleCount: sampleCount)
    }

    func issue(_ samples: UnsafeBufferPointer<IssuedSample>) throws {
        try plugin.issue(samples)
        let count = issued.wrappingAdd(1, ordering: .relaxed).newValue
        if count == queries / 10 { first.store(Int(malloc_counter_thread_allocations()), ordering: .relaxed) }
        if count == queries { last.store(Int(malloc_counter_thread_allocations()), ordering: .relaxed) }
    }

    func flush() throws { try plugin.flush() }
    func cancel(_ ids: UnsafeBufferPointer<UInt64>) { plugin.cancel(ids) }
}
