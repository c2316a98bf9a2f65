import CGPU
import CPluginAPI

/// An event of the driver's.
final class GPUEvent: DeviceEvent {
    let handle: UnsafeMutableRawPointer
    private let runtime: GPURuntime
    private let device: Int

    /// An event with a time, which costs the driver little more than one without.
    init(runtime: GPURuntime, device: Int) throws(DeviceError) {
        self.runtime = runtime
        self.device = device
        try runtime.use(device)
        var handle: UnsafeMutableRawPointer?
        try runtime.check(runtime.functions.event_create(&handle, 1), device: device, "a new event")
        guard let handle else {
            throw DeviceError(MLP_INTERNAL, "\(runtime.kind):\(device): an event without a handle")
        }
        self.handle = handle
    }

    deinit {
        _ = runtime.functions.use(Int32(device))
        _ = runtime.functions.event_release(handle)
    }

    func synchronize() throws(DeviceError) {
        try runtime.use(device)
        let error = runtime.functions.event_synchronize(handle)
        if error != 0 {
            throw runtime.failure(
                error,
                device: device,
                "event_synchronize: a kernel or a copy before it failed, or the device was lost"
            )
        }
    }

    func milliseconds(since start: any DeviceEvent) throws(DeviceError) -> Float {
        guard let start = start as? GPUEvent else {
            throw .invalidArgument("event_elapsed: the events are of different kinds of device")
        }
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
