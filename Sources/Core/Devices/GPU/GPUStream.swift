import CGPU
import CPluginAPI

/// A stream of the driver's.
final class GPUStream: DeviceStream {
    let device: Int
    let native: UnsafeMutableRawPointer?
    private(set) var isRecording = false
    private let runtime: GPURuntime
    private let notifier: Notifier

    init(runtime: GPURuntime, notifier: Notifier, device: Int) throws(DeviceError) {
        self.runtime = runtime
        self.notifier = notifier
        self.device = device
        try runtime.use(device)
        var handle: UnsafeMutableRawPointer?
        try runtime.check(runtime.functions.stream_create(&handle), device: device, "a new stream")
        native = handle
    }

    deinit {
        _ = runtime.functions.use(Int32(device))
        _ = runtime.functions.stream_release(native)
    }

    func copy(to: UnsafeMutableRawPointer, from: UnsafeRawPointer, size: UInt64) throws(DeviceError) {
        try runtime.use(device)
        try runtime.check(runtime.functions.copy(to, from, size, native), device: device, "copy of \(size) bytes")
    }

    func fill(_ to: UnsafeMutableRawPointer, value: UInt8, size: UInt64) throws(DeviceError) {
        try runtime.use(device)
        try runtime.check(runtime.functions.fill(to, value, size, native), device: device, "fill of \(size) bytes")
    }

    func launch(
        _ kernel: UInt32,
        of kernels: any DeviceKernels,
        grid: UnsafePointer<mlp_grid>,
        arguments: UnsafePointer<UnsafeRawPointer?>?,
        count: UInt32
    ) throws(DeviceError) {
        guard let kernels = kernels as? GPUKernels, kernels.runtime === runtime else {
            throw .invalidArgument("launch: the kernels were loaded for another kind of device")
        }
        let function = try kernels.function(kernel, device: device, arguments: arguments, count: count)
        let grid = grid.pointee
        guard grid.blocks.0 > 0, grid.blocks.1 > 0, grid.blocks.2 > 0 else { return }
        guard grid.threads.0 > 0, grid.threads.1 > 0, grid.threads.2 > 0 else {
            throw .invalidArgument("launch of \(kernels.name(kernel)): blocks of no thread")
        }
        var launch = podium_gpu_launch(
            function: function,
            blocks: grid.blocks,
            threads: grid.threads,
            shared_bytes: grid.shared_bytes,
            reserved: 0,
            stream: native,
            // The driver takes pointers to mutable values and does not write to them.
            arguments: UnsafeMutablePointer(mutating: arguments).map {
                UnsafeMutableRawPointer($0).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
            }
        )
        try runtime.use(device)
        let error = runtime.functions.launch(&launch)
        if error != 0 {
            throw runtime.failure(error, device: device, "launch of \(kernels.name(kernel)), \(grid.text)")
        }
    }

    func record(_ event: any DeviceEvent) throws(DeviceError) {
        try forbidWhileRecording("event_record")
        let event = try own(event, "event_record")
        try runtime.use(device)
        try runtime.check(runtime.functions.event_record(event.handle, native), device: device, "event_record")
    }

    func wait(for event: any DeviceEvent) throws(DeviceError) {
        try forbidWhileRecording("event_wait")
        let event = try own(event, "event_wait")
        try runtime.use(device)
        try runtime.check(runtime.functions.event_wait(native, event.handle), device: device, "event_wait")
    }

    func synchronize() throws(DeviceError) {
        try forbidWhileRecording("synchronize")
        try runtime.use(device)
        let error = runtime.functions.stream_synchronize(native)
        if error != 0 {
            throw runtime.failure(
                error,
                device: device,
                "synchronize: a kernel or a copy before it failed, or the device was lost"
            )
        }
    }

    /// What a callback of the driver's is to hand on.
    private final class Pending {
        let notifier: Notifier
        let done: Notifier.Callback
        let context: UnsafeMutableRawPointer?

        init(_ notifier: Notifier, _ done: @escaping Notifier.Callback, _ context: UnsafeMutableRawPointer?) {
            self.notifier = notifier
            self.done = done
            self.context = context
        }
    }

    /// The driver's own thread may not call the driver, which `done` may want to: the notifier's thread calls it.
    func notify(_ done: @escaping Notifier.Callback, context: UnsafeMutableRawPointer?) throws(DeviceError) {
        try forbidWhileRecording("notify")
        try notifier.start()
        let pending = Unmanaged.passRetained(Pending(notifier, done, context))
        try runtime.use(device)
        let error = runtime.functions.callback(
            native,
            { _, error, context in
                guard let context else { return }
                let pending = Unmanaged<Pending>.fromOpaque(context).takeRetainedValue()
                let status = error == 0 ? MLP_OK : MLP_DEVICE_ERROR
                pending.notifier.post(pending.done, context: pending.context, status: mlp_status(status))
            },
            pending.toOpaque()
        )
        if error != 0 {
            pending.release()
            throw runtime.failure(error, device: device, "notify")
        }
    }

    func beginRecording() throws(DeviceError) {
        try forbidWhileRecording("record_begin")
        try runtime.use(device)
        try runtime.check(runtime.functions.capture_begin(native), device: device, "record_begin")
        isRecording = true
    }

    func endRecording() throws(DeviceError) -> any DeviceRecording {
        guard isRecording else { throw .invalidState("record_end without record_begin") }
        isRecording = false
        try runtime.use(device)
        var graph: UnsafeMutableRawPointer?
        try runtime.check(
            runtime.functions.capture_end(native, &graph),
            device: device,
            "record_end: something that was called in between cannot be recorded"
        )
        guard let graph else {
            throw DeviceError(MLP_INTERNAL, "\(runtime.kind):\(device): record_end gave no graph")
        }
        return GPURecording(graph, runtime: runtime, device: device)
    }

    func replay(_ recording: any DeviceRecording) throws(DeviceError) {
        try forbidWhileRecording("replay")
        guard let recording = recording as? GPURecording, recording.runtime === runtime else {
            throw .invalidArgument("replay: the recording is of another kind of device")
        }
        guard recording.device == device else {
            throw .invalidArgument(
                "replay on \(runtime.kind):\(device) of a recording of \(runtime.kind):\(recording.device)"
            )
        }
        try runtime.use(device)
        let error = runtime.functions.graph_launch(recording.graph, native)
        if error != 0 { throw runtime.failure(error, device: device, "replay") }
    }

    private func forbidWhileRecording(_ call: String) throws(DeviceError) {
        if isRecording { throw .invalidState("\(call): the stream is being recorded; call record_end first") }
    }

    private func own(_ event: any DeviceEvent, _ call: String) throws(DeviceError) -> GPUEvent {
        guard let event = event as? GPUEvent else {
            throw .invalidArgument("\(call): the event is of another kind of device")
        }
        return event
    }
}

/// A HIP or CUDA graph, ready to run.
final class GPURecording: DeviceRecording {
    let graph: UnsafeMutableRawPointer
    let runtime: GPURuntime
    let device: Int

    init(_ graph: UnsafeMutableRawPointer, runtime: GPURuntime, device: Int) {
        self.graph = graph
        self.runtime = runtime
        self.device = device
    }

    deinit {
        _ = runtime.functions.use(Int32(device))
        _ = runtime.functions.graph_release(graph)
    }
}

extension mlp_grid {
    /// `grid 4x1x1 of 256x1x1 threads, 0 bytes shared`.
    var text: String {
        "grid \(blocks.0)x\(blocks.1)x\(blocks.2) of \(threads.0)x\(threads.1)x\(threads.2) threads, "
            + "\(shared_bytes) bytes shared"
    }
}
