public import CPluginAPI

/// `mlp.device/1`: memory and streams of the instance's group of devices.
public struct Devices: @unchecked Sendable {
    let host: UnsafePointer<mlp_host>
    let table: UnsafePointer<mlp_device>

    /// Size of the group.
    public var count: Int { Int(table.pointee.count(host)) }

    /// What a device is.
    public func properties(_ device: UInt32) throws -> mlp_device_properties {
        var properties = mlp_device_properties()
        properties.struct_size = UInt32(MemoryLayout<mlp_device_properties>.size)
        try check(table.pointee.properties(host, device, &properties), "properties")
        return properties
    }

    /// Free memory of a device, in bytes.
    public func freeMemory(_ device: UInt32) throws -> UInt64 {
        var bytes: UInt64 = 0
        try check(table.pointee.free_memory(host, device, &bytes), "free_memory")
        return bytes
    }

    /// Device memory, 256-byte aligned, not initialised.
    public func allocate(_ device: UInt32, byteCount: Int) throws -> UnsafeMutableRawPointer {
        var memory: UnsafeMutableRawPointer?
        try check(table.pointee.alloc(host, device, UInt64(max(0, byteCount)), &memory), "alloc")
        guard let memory else { throw PluginError(.internalError, "alloc succeeded without memory") }
        return memory
    }

    /// Gives device memory back.
    public func free(_ device: UInt32, _ memory: UnsafeMutableRawPointer) { table.pointee.free(host, device, memory) }

    /// Host memory that copies can overlap with.
    public func allocatePinned(byteCount: Int) throws -> UnsafeMutableRawPointer {
        var memory: UnsafeMutableRawPointer?
        try check(table.pointee.alloc_pinned(host, UInt64(max(0, byteCount)), &memory), "alloc_pinned")
        guard let memory else { throw PluginError(.internalError, "alloc_pinned succeeded without memory") }
        return memory
    }

    /// Gives pinned memory back.
    public func freePinned(_ memory: UnsafeMutableRawPointer) { table.pointee.free_pinned(host, memory) }

    /// A new stream on a device.
    public func makeStream(_ device: UInt32) throws -> Stream {
        var stream: OpaquePointer?
        try check(table.pointee.stream_create(host, device, &stream), "stream_create")
        guard let stream else { throw PluginError(.internalError, "stream_create succeeded without a stream") }
        return Stream(handle: stream)
    }

    /// Waits for a stream's work and gives it back.
    public func release(_ stream: Stream) { table.pointee.stream_release(host, stream.handle) }

    /// Queues a copy in any direction; both ranges stay valid until the stream has passed it.
    public func copy(
        _ stream: Stream,
        to: UnsafeMutableRawPointer,
        from: UnsafeRawPointer,
        byteCount: Int
    ) throws {
        try check(table.pointee.copy(host, stream.handle, to, from, UInt64(max(0, byteCount))), "copy")
    }

    /// Queues a fill with one byte value.
    public func fill(_ stream: Stream, _ memory: UnsafeMutableRawPointer, with value: UInt8, byteCount: Int) throws {
        try check(table.pointee.fill(host, stream.handle, memory, value, UInt64(max(0, byteCount))), "fill")
    }

    /// A new event of a device.
    public func makeEvent(_ device: UInt32) throws -> Event {
        var event: OpaquePointer?
        try check(table.pointee.event_create(host, device, &event), "event_create")
        guard let event else { throw PluginError(.internalError, "event_create succeeded without an event") }
        return Event(handle: event)
    }

    /// Gives an event back.
    public func release(_ event: Event) { table.pointee.event_release(host, event.handle) }

    /// Lets an event mark this point of a stream.
    @inline(__always)
    public func record(_ event: Event, on stream: Stream) throws {
        try check(table.pointee.event_record(host, stream.handle, event.handle), "event_record")
    }

    /// Lets a stream wait for the point that an event marked last.
    public func wait(_ stream: Stream, for event: Event) throws {
        try check(table.pointee.event_wait(host, stream.handle, event.handle), "event_wait")
    }

    /// Blocks until the point that an event marked last is passed, whatever was queued after it.
    @inline(__always)
    public func synchronize(_ event: Event) throws {
        try check(table.pointee.event_synchronize(host, event.handle), "event_synchronize")
    }

    /// The device's time between the points that two events marked, both passed, in milliseconds.
    public func milliseconds(from start: Event, to end: Event) throws -> Float {
        var milliseconds: Float = 0
        try check(table.pointee.event_elapsed(host, start.handle, end.handle, &milliseconds), "event_elapsed")
        return milliseconds
    }

    /// Blocks until everything queued so far has finished.
    public func synchronize(_ stream: Stream) throws {
        try check(table.pointee.synchronize(host, stream.handle), "synchronize")
    }
}

/// A queue of work on one device, used by one thread at a time.
public struct Stream: @unchecked Sendable {
    /// The host's handle.
    public let handle: OpaquePointer
}

/// A mark in a stream.
public struct Event: @unchecked Sendable {
    /// The host's handle.
    public let handle: OpaquePointer
}

/// Work recorded once and replayed often.
public struct Recording: @unchecked Sendable {
    /// The host's handle.
    public let handle: OpaquePointer
}

/// `mlp.launch/1`: launches of the kernels that the plugin declared, by index.
public struct Launcher: @unchecked Sendable {
    let host: UnsafePointer<mlp_host>
    let table: UnsafePointer<mlp_launch>

    /// Launches a kernel; `arguments[i]` points at the i-th argument and is read before the call returns.
    @inline(__always)
    public func launch(
        _ stream: Stream,
        kernel: UInt32,
        grid: mlp_grid,
        arguments: UnsafeBufferPointer<UnsafeRawPointer?>
    ) throws {
        var grid = grid
        try check(
            table.pointee.launch(
                host,
                stream.handle,
                kernel,
                &grid,
                arguments.baseAddress,
                UInt32(arguments.count)
            ),
            "launch"
        )
    }

    /// Records what `body` gives to the stream, without executing it.
    public func record(_ stream: Stream, _ body: () throws -> Void) throws -> Recording {
        try check(table.pointee.record_begin(host, stream.handle), "record_begin")
        var recording: OpaquePointer?
        do {
            try body()
        } catch {
            if table.pointee.record_end(host, stream.handle, &recording) == .ok, let recording {
                table.pointee.recording_release(host, recording)
            }
            throw error
        }
        try check(table.pointee.record_end(host, stream.handle, &recording), "record_end")
        guard let recording else { throw PluginError(.internalError, "record_end succeeded without a recording") }
        return Recording(handle: recording)
    }

    /// Queues a recording on a stream.
    @inline(__always)
    public func replay(_ stream: Stream, _ recording: Recording) throws {
        try check(table.pointee.replay(host, stream.handle, recording.handle), "replay")
    }

    /// Gives a recording back.
    public func release(_ recording: Recording) { table.pointee.recording_release(host, recording.handle) }
}
