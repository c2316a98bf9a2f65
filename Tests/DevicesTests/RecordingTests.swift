import CPluginAPI
import MallocCounter
import Testing

@testable import Core

@Suite struct RecordingTests {
    /// A chain in which every step reads what the step before wrote, in blocks on several threads.
    private func chain(_ instance: Instance, _ stream: OpaquePointer?, _ memory: UnsafeMutablePointer<UInt64>) {
        let pattern = memory + 1
        for round in 0..<5 {
            _ = instance.launch(stream, Twins.stepIndex, blocks: (1, 1, 1), [memory])
            _ = instance.launch(stream, Twins.patternIndex, blocks: (40, 1, 1), [pattern, Int64(round)])
            _ = instance.device.copy(instance.table, stream, pattern + 40, pattern, 40 * 8)
            _ = instance.launch(stream, Twins.patternIndex, blocks: (4, 5, 2), [pattern + 40, Int64(3)])
            _ = instance.device.copy(instance.table, stream, memory + 81, memory, 8)
        }
        _ = instance.device.fill(instance.table, stream, memory + 82, 0xA5, 8)
    }

    @Test(arguments: [1, 2, 4])
    func aReplayEqualsEagerExecution(threads: Int) throws {
        let instance = try Instance(threads: threads)
        let stream = instance.stream()
        let count = 83
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * count)
        memory.initialize(repeating: 0, count: 2 * count)
        defer { memory.deallocate() }
        let (eager, replayed) = (memory, memory + count)

        #expect(instance.launcher.record_begin(instance.table, stream) == MLP_OK)
        chain(instance, stream, replayed)
        var recording: OpaquePointer?
        #expect(instance.launcher.record_end(instance.table, stream, &recording) == MLP_OK)
        #expect((0..<count).allSatisfy { replayed[$0] == 0 }, "recording must not execute")
        for _ in 0..<200 {
            chain(instance, stream, eager)
            #expect(instance.launcher.replay(instance.table, stream, recording) == MLP_OK)
            #expect((0..<count).allSatisfy { eager[$0] == replayed[$0] })
        }
        #expect(eager[0] != 0 && eager[82] == 0xA5A5_A5A5_A5A5_A5A5)
        #expect(instance.group.outstanding == (1, 0, 1))
        instance.launcher.recording_release(instance.table, recording)
        #expect(instance.launcher.replay(instance.table, stream, recording) == MLP_INVALID_ARGUMENT)
        #expect(instance.group.outstanding == (1, 0, 0))
    }

    @Test func aRecordingHoldsItsValues() throws {
        let instance = try Instance(threads: 2)
        let stream = instance.stream()
        let out = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)
        out.initialize(repeating: 0, count: 32)
        defer { out.deallocate() }
        var grid = mlp_grid(blocks: (16, 1, 1), threads: (1, 1, 1), shared_bytes: 5)
        var target = out
        var factor: Int64 = 2
        _ = instance.launcher.record_begin(instance.table, stream)
        withUnsafeMutablePointer(to: &target) { target in
            withUnsafeMutablePointer(to: &factor) { factor in
                _ = instance.launcher.launch(
                    instance.table,
                    stream,
                    Twins.patternIndex,
                    &grid,
                    [UnsafeRawPointer(target), UnsafeRawPointer(factor)],
                    2
                )
            }
        }
        var second = out + 16
        withUnsafeMutablePointer(to: &second) { second in
            _ = instance.launcher.launch(
                instance.table,
                stream,
                Twins.sharedIndex,
                &grid,
                [UnsafeRawPointer(second)],
                1
            )
        }
        var recording: OpaquePointer?
        _ = instance.launcher.record_end(instance.table, stream, &recording)
        // Neither the grid nor the values are looked at again.
        grid.blocks.0 = 1
        grid.shared_bytes = 9
        factor = 100
        #expect(instance.launcher.replay(instance.table, stream, recording) == MLP_OK)
        #expect((0..<16).allSatisfy { out[$0] == UInt64($0) * 2 + 1 })
        #expect((16..<32).allSatisfy { out[$0] == 5 })
    }

    @Test func whatCannotBeRecordedSaysSo() throws {
        let instance = try Instance(threads: 1)
        let stream = instance.stream()
        let (table, device, launcher) = (instance.table, instance.device, instance.launcher)
        var recording: OpaquePointer?
        var event: OpaquePointer?
        #expect(device.event_create(table, 0, &event) == MLP_OK)
        #expect(launcher.record_end(table, stream, &recording) == MLP_INVALID_STATE)
        #expect(launcher.record_begin(table, stream) == MLP_OK)
        #expect(launcher.record_begin(table, stream) == MLP_INVALID_STATE)
        #expect(device.synchronize(table, stream) == MLP_INVALID_STATE)
        #expect(device.notify(table, stream, { _, _ in }, nil) == MLP_INVALID_STATE)
        #expect(device.event_record(table, stream, event) == MLP_INVALID_STATE)
        #expect(device.event_wait(table, stream, event) == MLP_INVALID_STATE)
        #expect(launcher.record_end(table, stream, &recording) == MLP_OK)
        #expect(launcher.replay(table, stream, recording) == MLP_OK)  // An empty recording.
        #expect(launcher.record_begin(table, stream) == MLP_OK)
        #expect(launcher.replay(table, stream, recording) == MLP_INVALID_STATE)
        device.stream_release(table, stream)  // In the middle of a recording: dropped.
        #expect(device.synchronize(table, stream) == MLP_INVALID_ARGUMENT)
    }

    /// Without optimisation the compiler puts the closures' contexts on the heap.
    private static let isOptimised: Bool = {
        #if DEBUG
        false
        #else
        true
        #endif
    }()

    @Test(.enabled(if: isOptimised, "allocations are counted in release builds"), arguments: [1, 2])
    func launchAndReplayDoNotAllocate(threads: Int) throws {
        let instance = try Instance(threads: threads)
        let stream = instance.stream()
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: 83)
        memory.initialize(repeating: 0, count: 83)
        defer { memory.deallocate() }
        _ = instance.launcher.record_begin(instance.table, stream)
        chain(instance, stream, memory)
        var recording: OpaquePointer?
        _ = instance.launcher.record_end(instance.table, stream, &recording)
        var grid = mlp_grid(blocks: (8, 1, 1), threads: (1, 1, 1), shared_bytes: 0)
        let (table, launcher) = (instance.table, instance.launcher)
        func round() {
            _ = launcher.replay(table, stream, recording)
            _ = launcher.launch(table, stream, Twins.emptyIndex, &grid, nil, 0)
        }
        round()
        try #require(malloc_counter_works() == 1)
        let own = malloc_counter_thread_allocations()
        // Other tests allocate at the same time, so that the pool's threads are clear of it if one spell is quiet.
        let quiet = (0..<500).contains { _ in
            let before = malloc_counter_allocations()
            for _ in 0..<20 { round() }
            return malloc_counter_allocations() == before
        }
        #expect(malloc_counter_thread_allocations() == own)
        #expect(quiet)
    }
}
