import CPluginAPI
import Glibc
import Synchronization
import Testing

@testable import Core

/// The GPU backends on a driver that works in host memory: the same calls in the same order as with the vendors'.
@Suite(.serialized) struct GPUBackendTests {
    private static let target: [DeviceKind: String] = [.hip: "gfx000", .cuda: "sm_01"]

    private func instance(
        _ kind: DeviceKind,
        _ machine: String = "devices=2,protect=1",
        devices: [Int] = [0],
        kernels: FakeKernels? = nil,
        compiler: (any KernelCompiler)? = nil
    ) throws -> Instance {
        FakeDriver.configure(machine)
        let group = try DeviceGroup(
            backend: FakeDriver.backend(kind, compiler: compiler),
            devices: devices,
            pool: ThreadPool(threads: 1),
            plugin: "Test"
        )
        return try Instance(group: group, kernels: (kernels ?? FakeKernels(target: Self.target[kind])).declared)
    }

    private func launch(
        _ instance: Instance,
        _ stream: OpaquePointer?,
        _ kernel: UInt32,
        blocks: UInt32,
        _ values: [any Argument]
    ) -> mlp_status {
        instance.launch(stream, kernel, blocks: (blocks, 1, 1), threads: (64, 1, 1), values)
    }

    private func memory(_ instance: Instance, _ count: Int) -> UnsafeMutablePointer<Float> {
        var memory: UnsafeMutableRawPointer?
        _ = instance.device.alloc(instance.table, 0, UInt64(count * 4), &memory)
        return memory!.assumingMemoryBound(to: Float.self)
    }

    private func read(
        _ instance: Instance,
        _ stream: OpaquePointer?,
        _ from: UnsafeMutablePointer<Float>,
        _ count: Int
    )
        -> [Float]
    {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            let status = instance.device.copy(instance.table, stream, buffer.baseAddress, from, UInt64(count * 4))
            #expect(status == MLP_OK && instance.device.synchronize(instance.table, stream) == MLP_OK)
            initialized = count
        }
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func propertiesAreTheDrivers(kind: DeviceKind) throws {
        FakeDriver.configure("devices=2,memory=1073741824")
        let backend = try FakeDriver.backend(kind)
        #expect(backend.deviceCount == 2 && backend.kind == kind && !backend.readsHostMemory)
        let properties = try backend.properties(of: 1)
        #expect(properties.architecture == Self.target[kind], "features behind a colon are no part of the target")
        #expect(properties.memorySize == 1 << 30 && properties.computeUnits == 4)
        #expect(properties.waveSize == (kind == .hip ? 64 : 32) && properties.maximumThreadsPerBlock == 1024)
        #expect(properties.maximumSharedBytesPerBlock == (kind == .hip ? 64 : 160) << 10)
        #expect(throws: DeviceError.self) { try backend.properties(of: 2) }
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func kernelsRunAndRecordingsReplay(kind: DeviceKind) throws {
        let instance = try instance(kind)
        let stream = instance.stream()
        let count = 1000
        let (x, y) = (memory(instance, count), memory(instance, count))
        #expect(launch(instance, stream, 1, blocks: 16, [x, Int32(count)]) == MLP_OK)
        #expect(instance.device.fill(instance.table, stream, y, 0, UInt64(count * 4)) == MLP_OK)
        #expect(launch(instance, stream, 0, blocks: 16, [y, UnsafePointer(x), Float(2), Int32(count)]) == MLP_OK)
        #expect(read(instance, stream, y, count) == (0..<count).map { 2 * Float($0) })

        #expect(instance.launcher.record_begin(instance.table, stream) == MLP_OK)
        #expect(instance.launcher.record_begin(instance.table, stream) == MLP_INVALID_STATE)
        for factor in [Float(1), 3] {
            #expect(launch(instance, stream, 0, blocks: 16, [y, UnsafePointer(x), factor, Int32(count)]) == MLP_OK)
        }
        var recording: OpaquePointer?
        #expect(instance.launcher.record_end(instance.table, stream, &recording) == MLP_OK)
        #expect(read(instance, stream, y, count) == (0..<count).map { 2 * Float($0) }, "recording executes nothing")
        for round in 1...3 {
            #expect(instance.launcher.replay(instance.table, stream, recording) == MLP_OK)
            #expect(read(instance, stream, y, count) == (0..<count).map { Float(2 + 4 * round) * Float($0) })
        }
        instance.launcher.recording_release(instance.table, recording)
        instance.device.free(instance.table, 0, x)
        instance.device.free(instance.table, 0, y)
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func memoryIsCountedByTheDriver(kind: DeviceKind) throws {
        let instance = try instance(kind, "devices=1,memory=1048576")
        var memory: UnsafeMutableRawPointer?
        #expect(instance.device.alloc(instance.table, 0, 2 << 20, &memory) == MLP_OUT_OF_MEMORY)
        let message = instance.context.lastFailure ?? ""
        #expect(message.contains("2097152 bytes") && message.contains("1048576"), "\(message)")
        #expect(instance.device.alloc(instance.table, 0, 1 << 19, &memory) == MLP_OK)
        var free: UInt64 = 0
        #expect(instance.device.free_memory(instance.table, 0, &free) == MLP_OK && free == 1 << 19)
        instance.device.free(instance.table, 0, memory)
        #expect(instance.device.free_memory(instance.table, 0, &free) == MLP_OK && free == 1 << 20)
        instance.device.free(instance.table, 0, memory)
        #expect((instance.context.lastFailure ?? "").contains("is free already"))
        var pinned: UnsafeMutableRawPointer?
        #expect(instance.device.alloc_pinned(instance.table, 4096, &pinned) == MLP_OK)
        instance.device.free(instance.table, 0, pinned)
        #expect((instance.context.lastFailure ?? "").contains("not allocated on"))
        instance.device.free_pinned(instance.table, pinned)
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func wrongLaunchesAreRefused(kind: DeviceKind) throws {
        let instance = try instance(kind)
        let stream = instance.stream()
        #expect(launch(instance, stream, 2, blocks: 1, []) == MLP_INVALID_ARGUMENT)
        #expect(launch(instance, stream, 1, blocks: 1, [Int32(1)]) == MLP_INVALID_ARGUMENT)
        let x = memory(instance, 1)
        #expect(launch(instance, stream, 1, blocks: 0, [x, Int32(1)]) == MLP_OK, "a grid with no block does nothing")
        #expect(
            instance.launch(stream, 1, blocks: (1, 1, 1), threads: (2048, 1, 1), [x, Int32(1)]) == MLP_DEVICE_ERROR
        )
        #expect((instance.context.lastFailure ?? "").contains("fake_iota, grid 1x1x1 of 2048x1x1 threads"))
        instance.device.free(instance.table, 0, x)
    }

    @Test(arguments: [DeviceKind.hip, .cuda])
    func aFaultIsReportedWhereItShows(kind: DeviceKind) throws {
        let instance = try instance(kind, "devices=1,fail=synchronize:1:700")
        let stream = instance.stream()
        #expect(instance.device.synchronize(instance.table, stream) == MLP_DEVICE_ERROR)
        let message = instance.context.lastFailure ?? ""
        #expect(message.contains("an illegal memory access") && message.contains("(\(kind) error 700)"), "\(message)")
        var event: OpaquePointer?
        #expect(instance.device.event_create(instance.table, 0, &event) == MLP_OK)
        #expect(instance.device.event_record(instance.table, stream, event) == MLP_OK)
        #expect(instance.device.event_synchronize(instance.table, event) == MLP_DEVICE_ERROR)
        var milliseconds: Float = 0
        #expect(instance.device.event_elapsed(instance.table, event, event, &milliseconds) == MLP_OK)
        let status = Mutex<mlp_status?>(nil)
        withUnsafePointer(to: status) { status in
            let context = UnsafeMutableRawPointer(mutating: status)
            let queued = instance.device.notify(
                instance.table,
                stream,
                { context, status in
                    context?.assumingMemoryBound(to: Mutex<mlp_status?>.self).pointee.withLock { $0 = status }
                },
                context
            )
            #expect(queued == MLP_OK)
            for _ in 0..<2000 where status.pointee.withLock({ $0 }) == nil { usleep(1000) }
            let seen = status.pointee.withLock { $0 }
            #expect(seen == mlp_status(MLP_DEVICE_ERROR), "a notification carries the fault")
        }
        FakeDriver.configure("devices=1")
    }

    @Test func aFamilyWithoutCodeForTheDeviceFailsWhenItIsLaunched() throws {
        let instance = try instance(.hip, kernels: FakeKernels(target: "gfx950"))
        let x = memory(instance, 1)
        #expect(launch(instance, instance.stream(), 1, blocks: 1, [x, Int32(1)]) == MLP_UNSUPPORTED)
        #expect((instance.context.lastFailure ?? "").contains("neither a code object for gfx000 nor a source"))
        instance.device.free(instance.table, 0, x)
    }

    @Test func codeThatTheDriverRefusesIsNamed() {
        for (image, words) in [
            ("broken", "loading Test: kernel family"), ("fake fake_iota", "has no kernel fake_saxpy"),
        ] {
            do {
                _ = try instance(.hip, kernels: FakeKernels(target: "gfx000", image: image))
                Issue.record("\(image) was loaded")
            } catch {
                #expect("\(error)".contains(words), "\(error)")
            }
        }
    }

    /// Hands the source on as the image, and counts.
    private final class CountingCompiler: KernelCompiler {
        let count = Mutex(0)

        func image(
            of family: KernelTable.Family,
            plugin: String,
            target: String,
            kind: DeviceKind
        ) throws(DeviceError) -> CompiledImage {
            count.withLock { $0 += 1 }
            return CompiledImage(bytes: Array(family.source) + [0], isKept: false)
        }
    }

    @Test func aSourceIsCompiledWhereThereIsNoCodeForTheTarget() throws {
        let compiler = CountingCompiler()
        let kernels = FakeKernels(target: "gfx950", source: "fake fake_saxpy fake_iota")
        let instance = try instance(.hip, devices: [1], kernels: kernels, compiler: compiler)
        #expect(compiler.count.withLock { $0 } == 1)
        let x = memory(instance, 64)
        let stream = instance.stream()
        #expect(launch(instance, stream, 1, blocks: 1, [x, Int32(64)]) == MLP_OK)
        #expect(read(instance, stream, x, 64) == (0..<64).map { Float($0) })
        instance.device.free(instance.table, 0, x)
    }

    @Test func aMissingLibraryIsNamed() {
        do throws(DeviceError) {
            _ = try GPURuntime(.cuda, library: "/nowhere/libcuda.so.1")
            Issue.record("opened")
        } catch {
            #expect(error.message.contains("/nowhere/libcuda.so.1"), "\(error)")
        }
    }

    @Test(arguments: [
        ("cpu", DeviceSelection(kind: .cpu)), ("HIP", DeviceSelection(kind: .hip)),
        ("cuda:2,3", DeviceSelection(kind: .cuda, ordinals: [2, 3])), ("hip:", nil), ("hip:1,1", nil), ("gpu", nil),
        ("hip:-1", nil), ("", nil), ("cuda:99999", nil), ("cpu:1", nil),
    ])
    func selections(text: String, selection: DeviceSelection?) {
        #expect(DeviceSelection(text) == selection)
    }
}
