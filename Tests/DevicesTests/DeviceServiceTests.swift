import CPluginAPI
import Glibc
import Synchronization
import Testing

@testable import Core

@Suite struct DeviceServiceTests {
    @Test func tablesExistOnce() {
        #expect(DeviceServices.device == DeviceServices.device)
        #expect(DeviceServices.device.pointee.struct_size == MemoryLayout<mlp_device>.size)
        #expect(DeviceServices.launch.pointee.struct_size == MemoryLayout<mlp_launch>.size)
        #expect(DeviceServices.pool.pointee.struct_size == MemoryLayout<mlp_pool>.size)
    }

    @Test func propertiesFitTheCallersStructure() throws {
        let instance = try Instance(threads: 3, devices: 2)
        #expect(instance.device.count(instance.table) == 2)
        var out = mlp_device_properties()
        #expect(instance.device.properties(instance.table, 0, &out) == MLP_INVALID_ARGUMENT)
        out.struct_size = UInt32(MemoryLayout<mlp_device_properties>.size)
        #expect(instance.device.properties(instance.table, 1, &out) == MLP_OK)
        #expect(out.kind == MLP_DEVICE_CPU)
        #expect(out.compute_units == 3 && out.wave_size == 1)
        #expect(out.memory_size > 0)
        #expect(out.architecture.map { String(cString: $0) } == CPUBackend.architecture)
        #expect(out.name.map { String(cString: $0) }?.isEmpty == false)
        // An older caller's structure is not written beyond its end.
        var short = mlp_device_properties()
        short.struct_size = 24
        short.memory_size = 12345
        #expect(instance.device.properties(instance.table, 0, &short) == MLP_OK)
        #expect(short.struct_size == 24 && short.memory_size == 12345 && short.architecture != nil)
        #expect(instance.device.properties(instance.table, 2, &out) == MLP_INVALID_ARGUMENT)
        #expect(instance.device.properties(instance.table, 0, nil) == MLP_INVALID_ARGUMENT)
    }

    @Test func memoryIsCountedAgainstTheBudget() throws {
        let instance = try Instance(threads: 1, memoryBudget: 10 << 20)
        let (table, device) = (instance.table, instance.device)
        func free() -> UInt64 {
            var bytes: UInt64 = 0
            _ = device.free_memory(table, 0, &bytes)
            return bytes
        }
        #expect(free() == 10 << 20)
        var pieces: [UnsafeMutableRawPointer] = []
        for size in [0, 1, 255, 256, 257, 5000, 3 << 20] as [UInt64] {
            var memory: UnsafeMutableRawPointer?
            #expect(device.alloc(table, 0, size, &memory) == MLP_OK)
            let piece = try #require(memory)
            #expect(UInt(bitPattern: piece) % 256 == 0)
            memset(piece, 0xEE, Int(size))
            pieces.append(piece)
        }
        let left = free()
        #expect(left < 7 << 20)
        var memory: UnsafeMutableRawPointer?
        #expect(device.alloc(table, 0, left + 1, &memory) == MLP_OUT_OF_MEMORY)
        let message = instance.context.lastFailure ?? ""
        #expect(message.contains("\(left + 1) bytes") && message.contains("\(left) of the") && message.contains("Test"))
        #expect(device.alloc_pinned(table, .max, &memory) == MLP_OUT_OF_MEMORY)
        #expect(device.alloc(table, 1, 8, &memory) == MLP_INVALID_ARGUMENT)
        #expect(memory == nil)
        for piece in pieces { device.free(table, 0, piece) }
        #expect(free() == 10 << 20)
        device.free(table, 0, pieces[0])  // Twice: noted, harmless.
        #expect(instance.context.lastFailure?.contains("free already") == true)
        device.free(table, 0, nil)
    }

    @Test(arguments: [1, 2]) func copiesAndFills(threads: Int) throws {
        let instance = try Instance(threads: threads)
        let stream = instance.stream()
        let (table, device) = (instance.table, instance.device)
        for size in [1, 1000, 256 << 10, (256 << 10) + 1, 3_000_001] {
            let from = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
            let to = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 1)
            defer {
                from.deallocate()
                to.deallocate()
            }
            for index in 0..<size { from[index] = UInt8(truncatingIfNeeded: index &* 31 &+ 7) }
            to[size] = 99
            #expect(device.copy(table, stream, to, from, UInt64(size)) == MLP_OK)
            #expect(memcmp(to, from, size) == 0 && to[size] == 99)
            #expect(device.fill(table, stream, to, 0x3C, UInt64(size)) == MLP_OK)
            #expect((0..<size).allSatisfy { to[$0] == 0x3C } && to[size] == 99)
        }
        // Overlapping, larger than one thread's piece.
        let size = 1 << 20
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 10)
        defer { memory.deallocate() }
        for index in 0..<size + 10 { memory[index] = UInt8(truncatingIfNeeded: index % 251) }
        #expect(device.copy(table, stream, memory + 10, memory, UInt64(size)) == MLP_OK)
        #expect((0..<size).allSatisfy { memory[$0 + 10] == UInt8(truncatingIfNeeded: $0 % 251) })
        #expect(device.copy(table, stream, nil, memory, 1) == MLP_INVALID_ARGUMENT)
        #expect(device.copy(table, stream, memory, nil, 1) == MLP_INVALID_ARGUMENT)
        #expect(device.copy(table, stream, memory, memory, .max) == MLP_INVALID_ARGUMENT)
        #expect(device.copy(table, stream, nil, nil, 0) == MLP_OK)
        #expect(device.fill(table, stream, nil, 0, 1) == MLP_INVALID_ARGUMENT)
    }

    @Test func notificationsComeOnAThreadOfTheHost() throws {
        final class Seen: Sendable {
            let count = Atomic<Int>(0)
            let sameThread = Atomic<Int>(0)
            let caller = pthread_self()
        }
        let seen = Seen()
        var instance: Instance? = try Instance(threads: 1)
        do {
            let instance = try #require(instance)
            let stream = instance.stream()
            for _ in 0..<100 {
                let context = Unmanaged.passUnretained(seen).toOpaque()
                let status = instance.device.notify(
                    instance.table,
                    stream,
                    { context, status in
                        guard let context, status == MLP_OK else { return }
                        let seen = Unmanaged<Seen>.fromOpaque(context).takeUnretainedValue()
                        if pthread_equal(seen.caller, pthread_self()) != 0 {
                            seen.sameThread.wrappingAdd(1, ordering: .relaxed)
                        }
                        seen.count.wrappingAdd(1, ordering: .relaxed)
                    },
                    context
                )
                #expect(status == MLP_OK)
            }
            #expect(instance.device.notify(instance.table, stream, nil, nil) == MLP_INVALID_ARGUMENT)
        }
        instance = nil  // Letting the backend go delivers what is queued.
        #expect(seen.count.load(ordering: .relaxed) == 100)
        #expect(seen.sameThread.load(ordering: .relaxed) == 0)
    }

    @Test func handlesAreCheckedWords() throws {
        let instance = try Instance(threads: 1)
        let (table, device) = (instance.table, instance.device)
        var event: OpaquePointer?
        #expect(device.event_create(table, 0, &event) == MLP_OK)
        let stream = instance.stream()
        #expect(device.native(table, stream) == nil)
        #expect(device.event_record(table, stream, event) == MLP_OK)
        #expect(device.event_wait(table, stream, event) == MLP_OK)
        #expect(device.event_synchronize(table, event) == MLP_OK)
        #expect(device.event_synchronize(table, stream) == MLP_INVALID_ARGUMENT)
        #expect(device.event_wait(table, stream, stream) == MLP_INVALID_ARGUMENT)
        #expect(device.synchronize(table, event) == MLP_INVALID_ARGUMENT)
        device.event_release(table, event)
        #expect(device.event_record(table, stream, event) == MLP_INVALID_ARGUMENT)
        #expect(device.event_synchronize(table, event) == MLP_INVALID_ARGUMENT)
        device.stream_release(table, stream)
        #expect(device.synchronize(table, stream) == MLP_INVALID_ARGUMENT)
        let next = instance.stream()
        #expect(next != stream && device.synchronize(table, next) == MLP_OK)
        device.stream_release(table, stream)
        #expect(device.synchronize(table, next) == MLP_OK)
        var generator = Seeded(state: 1)
        for _ in 0..<10_000 {
            let garbage = OpaquePointer(bitPattern: UInt(truncatingIfNeeded: generator.next()))
            if garbage != next { #expect(device.synchronize(table, garbage) == MLP_INVALID_ARGUMENT) }
        }
        var handles: [OpaquePointer] = []
        var status = mlp_status(MLP_OK)
        while status == MLP_OK && handles.count < 100_000 {
            var made: OpaquePointer?
            status = device.event_create(table, 0, &made)
            if let made { handles.append(made) }
        }
        #expect(status == MLP_OUT_OF_MEMORY)
        for handle in handles { device.event_release(table, handle) }
        #expect(instance.group.outstanding == (1, 0, 0))
        instance.group.releaseAll()
        #expect(instance.group.outstanding == (0, 0, 0))
    }

    @Test func eventsMeasureTime() throws {
        let instance = try Instance(threads: 1)
        let (table, device) = (instance.table, instance.device)
        let stream = instance.stream()
        var start: OpaquePointer?
        var end: OpaquePointer?
        #expect(device.event_create(table, 0, &start) == MLP_OK && device.event_create(table, 0, &end) == MLP_OK)
        var milliseconds: Float = -1
        #expect(device.event_elapsed(table, start, end, &milliseconds) == MLP_INVALID_ARGUMENT, "never recorded")
        #expect(device.event_record(table, stream, start) == MLP_OK)
        usleep(2000)
        #expect(device.event_record(table, stream, end) == MLP_OK)
        #expect(device.event_elapsed(table, start, end, &milliseconds) == MLP_OK)
        #expect(milliseconds >= 2 && milliseconds < 10_000)
        #expect(device.event_elapsed(table, end, start, &milliseconds) == MLP_OK && milliseconds <= -2)
        #expect(device.event_elapsed(table, start, stream, &milliseconds) == MLP_INVALID_ARGUMENT)
        #expect(device.event_elapsed(table, start, end, nil) == MLP_INVALID_ARGUMENT)
    }

    @Test(arguments: [1, 2, 5]) func parallelFor(threads: Int) throws {
        let instance = try Instance(threads: threads)
        let (table, pool) = (instance.table, instance.pool)
        #expect(Int(pool.threads(table)) == threads)
        let hits = UnsafeMutablePointer<UInt32>.allocate(capacity: 1000)
        hits.initialize(repeating: 0, count: 1000)
        defer { hits.deallocate() }
        let body: @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void = { context, index in
            context?.assumingMemoryBound(to: UInt32.self)[Int(index)] += 1
        }
        #expect(pool.parallel_for(table, 1000, body, hits) == MLP_OK)
        #expect((0..<1000).allSatisfy { hits[$0] == 1 })
        #expect(pool.parallel_for(table, 0, body, nil) == MLP_OK)
        #expect(pool.parallel_for(table, 5, nil, nil) == MLP_INVALID_ARGUMENT)
        #expect(pool.parallel_for(nil, 5, body, hits) == MLP_INVALID_ARGUMENT)
    }

    @Test(arguments: [1, 2]) func nestedLoopsAreRefused(threads: Int) throws {
        final class Nest: Sendable {
            nonisolated(unsafe) let host: UnsafePointer<mlp_host>
            let refused = Atomic<Int>(0)
            init(_ host: UnsafePointer<mlp_host>) { self.host = host }
        }
        let instance = try Instance(threads: threads)
        let nest = Nest(instance.table)
        let status = instance.pool.parallel_for(
            instance.table,
            20,
            { context, _ in
                guard let context else { return }
                let nest = Unmanaged<Nest>.fromOpaque(context).takeUnretainedValue()
                let status = DeviceServices.pool.pointee.parallel_for(nest.host, 3, { _, _ in }, nil)
                if status == MLP_INVALID_STATE { nest.refused.wrappingAdd(1, ordering: .relaxed) }
            },
            Unmanaged.passUnretained(nest).toOpaque()
        )
        #expect(status == MLP_OK)
        #expect(nest.refused.load(ordering: .relaxed) == 20)
        #expect(instance.context.lastFailure?.contains("nested") == true)
        #expect(instance.pool.parallel_for(instance.table, 3, { _, _ in }, nil) == MLP_OK)
    }

    @Test func aGroupChecksItsDevices() throws {
        let pool = ThreadPool(threads: 1)
        let backend = CPUBackend(pool: pool, deviceCount: 2)
        for devices in [[], [0, 0], [2], [-1]] {
            #expect(throws: DeviceError.self) {
                try DeviceGroup(backend: backend, devices: devices, pool: pool, plugin: "Test")
            }
        }
        let group = try DeviceGroup(backend: backend, devices: [1, 0], pool: pool, plugin: "Test")
        #expect(group.devices == [1, 0])
    }
}
