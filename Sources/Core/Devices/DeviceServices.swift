public import CPluginAPI

/// The tables of the services "mlp.device/1", "mlp.launch/1", "mlp.pool/1" and "mlp.gemm/1".
///
/// They exist once.  Each function finds its instance through `mlp_host.impl`, turns a thrown error into a recorded
/// failure, and allocates nothing as long as nothing fails.
public enum DeviceServices {
    /// The table of `MLP_DEVICE`.
    nonisolated(unsafe) public static let device = table(
        mlp_device(
            struct_size: UInt32(MemoryLayout<mlp_device>.size),
            reserved: 0,
            count: { host in
                serviceContext(of: host)?._withUnsafeGuaranteedRef { UInt32($0.deviceGroup?.devices.count ?? 0) } ?? 0
            },
            properties: { host, device, out in
                call(host, "properties") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("properties: out is NULL") }
                    try group.writeProperties(of: device, to: out)
                }
            },
            free_memory: { host, device, out in
                call(host, "free_memory") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("free_memory: bytes is NULL") }
                    out.pointee = try group.backend.freeMemory(of: group.ordinal(device))
                }
            },
            alloc: { host, device, size, out in
                call(host, "alloc") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("alloc: out is NULL") }
                    out.pointee = try group.backend.allocate(
                        device: group.ordinal(device),
                        size: size,
                        purpose: "\(group.plugin)'s alloc"
                    )
                }
            },
            free: { host, device, memory in
                guard let memory else { return }
                _ = call(host, "free") { (group) throws(DeviceError) in
                    try group.backend.deallocate(device: group.ordinal(device), memory)
                }
            },
            alloc_pinned: { host, size, out in
                call(host, "alloc_pinned") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("alloc_pinned: out is NULL") }
                    out.pointee = try group.backend.allocatePinned(
                        size: size,
                        purpose: "\(group.plugin)'s alloc_pinned"
                    )
                }
            },
            free_pinned: { host, memory in
                guard let memory else { return }
                _ = call(host, "free_pinned") { (group) throws(DeviceError) in
                    try group.backend.deallocatePinned(memory)
                }
            },
            stream_create: { host, device, out in
                call(host, "stream_create") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("stream_create: out is NULL") }
                    let stream = try group.backend.makeStream(device: group.ordinal(device))
                    out.pointee = try handle(group.streams.insert(stream), "stream")
                }
            },
            stream_release: { host, stream in
                guard let stream else { return }
                _ = call(host, "stream_release") { (group) throws(DeviceError) in
                    guard let released = group.streams.remove(stream) else { throw unknown("stream_release: stream") }
                    if !released.isRecording { try released.synchronize() }
                }
            },
            native: { host, stream in
                var native: UnsafeMutableRawPointer?
                _ = call(host, "native") { (group) throws(DeviceError) in
                    native = try find(stream, in: group, "native").native
                }
                return native
            },
            copy: { host, stream, to, from, size in
                call(host, "copy") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "copy")
                    guard size > 0 else { return }
                    guard let to else { throw .invalidArgument("copy of \(size) bytes: to is NULL") }
                    guard let from else { throw .invalidArgument("copy of \(size) bytes: from is NULL") }
                    try stream.copy(to: to, from: from, size: size)
                }
            },
            fill: { host, stream, to, value, size in
                call(host, "fill") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "fill")
                    guard size > 0 else { return }
                    guard let to else { throw .invalidArgument("fill of \(size) bytes: to is NULL") }
                    try stream.fill(to, value: value, size: size)
                }
            },
            event_create: { host, device, out in
                call(host, "event_create") { (group) throws(DeviceError) in
                    guard let out else { throw .invalidArgument("event_create: out is NULL") }
                    let event = try group.backend.makeEvent(device: group.ordinal(device))
                    out.pointee = try handle(group.events.insert(event), "event")
                }
            },
            event_release: { host, event in
                guard let event else { return }
                _ = call(host, "event_release") { (group) throws(DeviceError) in
                    guard group.events.remove(event) != nil else { throw unknown("event_release: event") }
                }
            },
            event_record: { host, stream, event in
                call(host, "event_record") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "event_record")
                    guard let event = group.events.find(event) else { throw unknown("event_record: event") }
                    try stream.record(event)
                }
            },
            event_wait: { host, stream, event in
                call(host, "event_wait") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "event_wait")
                    guard let event = group.events.find(event) else { throw unknown("event_wait: event") }
                    try stream.wait(for: event)
                }
            },
            synchronize: { host, stream in
                call(host, "synchronize") { (group) throws(DeviceError) in
                    try find(stream, in: group, "synchronize").synchronize()
                }
            },
            notify: { host, stream, done, context in
                call(host, "notify") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "notify")
                    guard let done else { throw .invalidArgument("notify: done is NULL") }
                    try stream.notify(done, context: context)
                }
            },
            event_synchronize: { host, event in
                call(host, "event_synchronize") { (group) throws(DeviceError) in
                    guard let event = group.events.find(event) else { throw unknown("event_synchronize: event") }
                    try event.synchronize()
                }
            },
            event_elapsed: { host, start, end, out in
                call(host, "event_elapsed") { (group) throws(DeviceError) in
                    guard let start = group.events.find(start) else { throw unknown("event_elapsed: start") }
                    guard let end = group.events.find(end) else { throw unknown("event_elapsed: end") }
                    guard let out else { throw .invalidArgument("event_elapsed: milliseconds is NULL") }
                    out.pointee = try end.milliseconds(since: start)
                }
            }
        )
    )

    /// The table of `MLP_LAUNCH`.
    nonisolated(unsafe) public static let launch = table(
        mlp_launch(
            struct_size: UInt32(MemoryLayout<mlp_launch>.size),
            reserved: 0,
            launch: { host, stream, kernel, grid, arguments, count in
                call(host, "launch") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "launch")
                    guard let kernels = group.kernels else {
                        throw .invalidState(
                            "launch: \(group.plugin) has no kernels yet; they can be launched from prepare() on, "
                                + "if it offers mlp.kernels/1"
                        )
                    }
                    guard let grid else { throw .invalidArgument("launch: grid is NULL") }
                    try stream.launch(kernel, of: kernels, grid: grid, arguments: arguments, count: count)
                }
            },
            record_begin: { host, stream in
                call(host, "record_begin") { (group) throws(DeviceError) in
                    try find(stream, in: group, "record_begin").beginRecording()
                }
            },
            record_end: { host, stream, out in
                call(host, "record_end") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "record_end")
                    guard let out else { throw .invalidArgument("record_end: out is NULL") }
                    out.pointee = try handle(group.recordings.insert(stream.endRecording()), "recording")
                }
            },
            replay: { host, stream, recording in
                call(host, "replay") { (group) throws(DeviceError) in
                    let stream = try find(stream, in: group, "replay")
                    guard let recording = group.recordings.find(recording) else { throw unknown("replay: recording") }
                    try stream.replay(recording)
                }
            },
            recording_release: { host, recording in
                guard let recording else { return }
                _ = call(host, "recording_release") { (group) throws(DeviceError) in
                    guard group.recordings.remove(recording) != nil else {
                        throw unknown("recording_release: recording")
                    }
                }
            }
        )
    )

    /// The table of `MLP_POOL`.
    nonisolated(unsafe) public static let pool = table(
        mlp_pool(
            struct_size: UInt32(MemoryLayout<mlp_pool>.size),
            reserved: 0,
            threads: { host in
                serviceContext(of: host)?._withUnsafeGuaranteedRef { UInt32($0.pool?.threadCount ?? 0) } ?? 0
            },
            parallel_for: { host, count, body, context in
                guard let service = serviceContext(of: host) else { return mlp_status(MLP_INVALID_ARGUMENT) }
                return service._withUnsafeGuaranteedRef { service in
                    do throws(DeviceError) {
                        guard let pool = service.pool else { throw .unsupported("parallel_for: there is no pool") }
                        try parallelFor(pool, count, body, context)
                        return mlp_status(MLP_OK)
                    } catch {
                        return service.recordFailure(error.status, error.message)
                    }
                }
            }
        )
    )

    private struct Loop {
        let body: @convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void
        let context: UnsafeMutableRawPointer?
    }

    private static func parallelFor(
        _ pool: ThreadPool,
        _ count: UInt64,
        _ body: (@convention(c) (UnsafeMutableRawPointer?, UInt64) -> Void)?,
        _ context: UnsafeMutableRawPointer?
    ) throws(DeviceError) {
        guard !ThreadPool.isInsideBody else {
            throw .invalidState("parallel_for inside the body of a parallel_for or a kernel: loops cannot be nested")
        }
        guard let body else { throw .invalidArgument("parallel_for: body is NULL") }
        var loop = Loop(body: body, context: context)
        pool.run(count: count, context: &loop) { context, first, last in
            guard let loop = context?.assumingMemoryBound(to: Loop.self).pointee else { return }
            var index = first
            while index < last {
                loop.body(loop.context, index)
                index &+= 1
            }
        }
    }

    static func table<Table>(_ table: Table) -> UnsafePointer<Table> {
        let pointer = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        pointer.initialize(to: table)
        return UnsafePointer(pointer)
    }

    @inline(__always)
    static func call(
        _ host: UnsafePointer<mlp_host>?,
        _ name: StaticString,
        _ body: (DeviceGroup) throws(DeviceError) -> Void
    ) -> mlp_status {
        guard let service = serviceContext(of: host) else { return mlp_status(MLP_INVALID_ARGUMENT) }
        return service._withUnsafeGuaranteedRef { service in
            guard let group = service.deviceGroup else {
                return service.recordFailure(
                    mlp_status(MLP_UNSUPPORTED),
                    "\(name): this instance has no devices (its role is head)"
                )
            }
            do throws(DeviceError) {
                try body(group)
                return mlp_status(MLP_OK)
            } catch {
                return service.recordFailure(error.status, error.message)
            }
        }
    }

    @inline(__always)
    static func find(
        _ stream: OpaquePointer?,
        in group: DeviceGroup,
        _ call: StaticString
    ) throws(DeviceError) -> any DeviceStream {
        guard let found = group.streams.find(stream) else { throw unknown("\(call): stream") }
        return found
    }

    private static func unknown(_ what: String) -> DeviceError {
        .invalidArgument("\(what) is NULL, was released, or was never given out")
    }

    private static func handle(_ handle: OpaquePointer?, _ what: String) throws(DeviceError) -> OpaquePointer {
        guard let handle else { throw .outOfMemory("too many \(what)s are in use; release what is not needed") }
        return handle
    }
}
