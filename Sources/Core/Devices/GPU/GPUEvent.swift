import CGPU
import CPluginAPI

/// An event of the driver's.
final class GPUEvent: DeviceEvent {
    let handle: UnsafeMutableRawPointer
    private let runtime: GPURuntime
    private let device: Int

    /// An event; one without a time, for which `milliseconds(since:)` is not asked, is cheaper.
    init(runtime: GPURuntime, device: Int, isTimed: Bool = false) throws(DeviceError) {
        self.runtime = runtime
        self.device = device
        try runtime.use(device)
        var handle: UnsafeMutableRawPointer?
        try runtime.check(runtime.functions.event_create(&handle, isTimed ? 1 : 0), device: device, "a new event")
        guard let handle else {
            throw DeviceError(MLP_INTERNAL, "\(runtime.kind):\(device): an event without a handle")
        }
        self.handle = handle
    }

    deinit {
        _ = runtime.functions.use(Int32(device))
        _ = runtime.functions.event_release(handle)
    }

    /// Device time between two timed events that have passed.
    func milliseconds(since start: GPUEvent) throws(DeviceError) -> Float {
        var elapsed: Float = 0
        try runtime.use(device)
        try runtime.check(
            runtime.functions.event_elapsed(&elapsed, start.handle, handle),
            device: device,
            "time between two events"
        )
        return elapsed
    }
}
