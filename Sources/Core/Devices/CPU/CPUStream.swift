import CPluginAPI

/// A stream that executes in the calling thread and the pool before the call returns, or collects a recording.
final class CPUStream: DeviceStream {
    let device: Int
    let native: UnsafeMutableRawPointer? = nil
    private let backend: CPUBackend
    private let pool: ThreadPool
    private var recording: CPURecording?

    init(backend: CPUBackend, device: Int) {
        self.backend = backend
        self.device = device
        pool = backend.pool
    }

    func launch(
        _ kernel: UInt32,
        of kernels: any DeviceKernels,
        grid: UnsafePointer<mlp_grid>,
        arguments: UnsafePointer<UnsafeRawPointer?>?,
        count: UInt32
    ) throws(DeviceError) {
        guard let kernels = kernels as? CPUKernels else {
            throw .invalidArgument("launch: the kernels were loaded for another kind of device")
        }
        let callable = try kernels.check(kernel, arguments, count)
        let blocks = try Self.blocks(grid.pointee) { "launch of \(kernels.name(kernel))" }
        guard blocks > 0 else { return }
        if let recording {
            try recording.appendLaunch(
                callable,
                kernel,
                of: kernels,
                grid: grid,
                blocks: blocks,
                arguments: arguments,
                count: count
            )
            return
        }
        // The plugin's own values and grid serve: the twin has run before this call returns.
        var launch = CPULaunch(kernel: callable, grid: grid, arguments: arguments)
        pool.run(count: blocks, context: &launch, cut: .longThenShort, body: CPULaunch.runRange)
    }

    func copy(to: UnsafeMutableRawPointer, from: UnsafeRawPointer, size: UInt64) throws(DeviceError) {
        try transfer(CPUTransfer(to: to, from: from, size: size, value: 0), "copy")
    }

    func fill(_ to: UnsafeMutableRawPointer, value: UInt8, size: UInt64) throws(DeviceError) {
        try transfer(CPUTransfer(to: to, from: nil, size: size, value: value), "fill")
    }

    private func transfer(_ transfer: CPUTransfer, _ call: String) throws(DeviceError) {
        guard transfer.size <= UInt64(Int.max) else {
            throw .invalidArgument("\(call) of \(transfer.size) bytes, more than an address space holds")
        }
        guard transfer.size > 0 else { return }
        if let recording {
            try recording.append(transfer)
            return
        }
        var transfer = transfer
        pool.run(count: transfer.pieces, context: &transfer, body: CPUTransfer.runRange)
    }

    func record(_ event: any DeviceEvent) throws(DeviceError) {
        try forbidWhileRecording("event_record")
        guard let event = event as? CPUEvent else {
            throw .invalidArgument("event_record: the event is of another kind of device")
        }
        event.mark()
    }

    func wait(for event: any DeviceEvent) throws(DeviceError) { try forbidWhileRecording("event_wait") }

    func synchronize() throws(DeviceError) { try forbidWhileRecording("synchronize") }

    func notify(
        _ done: @escaping @convention(c) (UnsafeMutableRawPointer?, mlp_status) -> Void,
        context: UnsafeMutableRawPointer?
    ) throws(DeviceError) {
        try forbidWhileRecording("notify")
        try backend.notifier.notify(done, context: context)
    }

    var isRecording: Bool { recording != nil }

    func beginRecording() throws(DeviceError) {
        try forbidWhileRecording("record_begin")
        recording = CPURecording()
    }

    func endRecording() throws(DeviceError) -> any DeviceRecording {
        guard let recording else { throw .invalidState("record_end: the stream is not being recorded") }
        self.recording = nil
        return recording
    }

    func replay(_ recording: any DeviceRecording) throws(DeviceError) {
        try forbidWhileRecording("replay")
        guard let recording = recording as? CPURecording else {
            throw .invalidArgument("replay: the recording was made on another kind of device")
        }
        recording.replay(on: pool)
    }

    @inline(__always)
    private func forbidWhileRecording(_ call: StaticString) throws(DeviceError) {
        guard recording == nil else {
            throw .invalidState("\(call): the stream is being recorded; a recording holds launches, copies and fills")
        }
    }

    /// Blocks of a grid, 0 if a dimension has none.
    @inline(__always)
    private static func blocks(_ grid: mlp_grid, _ call: () -> String) throws(DeviceError) -> UInt64 {
        let (x, y, z) = grid.blocks
        let plane = UInt64(x) &* UInt64(y)
        let (blocks, overflow) = plane.multipliedReportingOverflow(by: UInt64(z))
        guard !overflow else { throw .invalidArgument("\(call()): a grid of \(x) x \(y) x \(z) blocks is too large") }
        return blocks
    }
}
