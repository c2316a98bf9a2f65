import CGPU
import CPluginAPI
import Synchronization

/// GPUs behind HIP or CUDA.
public final class GPUBackend: DeviceBackend, @unchecked Sendable {
    /// The vendor's library.
    public let runtime: GPURuntime
    /// `hip` or `cuda`.
    public var kind: DeviceKind { runtime.kind }
    /// As many as the library sees.
    public var deviceCount: Int { runtime.deviceCount }
    /// Kernels read what was copied to their device.
    public var readsHostMemory: Bool { false }

    private let properties: [DeviceProperties]
    private let compiler: (any KernelCompiler)?
    private let notifier = Notifier()
    /// The devices of the memory that is out, by address; pinned memory has none.
    private let book = Mutex<[UInt: Int?]>([:])

    /// A backend over an opened library.
    ///
    /// - Parameters:
    ///   - runtime: The library.
    ///   - compiler: What makes an image of a family that brings none for the device's target; nil: such a family
    ///     cannot be launched.
    /// - Throws: `MLP_UNSUPPORTED` when there is no device; what the driver says of one.
    public init(_ runtime: GPURuntime, compiler: (any KernelCompiler)?) throws(DeviceError) {
        self.runtime = runtime
        self.compiler = compiler
        guard runtime.deviceCount > 0 else {
            throw .unsupported("\(runtime.kind): \(runtime.library) sees no device")
        }
        var properties: [DeviceProperties] = []
        for device in 0..<runtime.deviceCount { properties.append(try runtime.properties(of: device)) }
        self.properties = properties
    }

    deinit {
        for (address, device) in book.withLock({ $0 }) {
            guard let memory = UnsafeMutableRawPointer(bitPattern: address) else { continue }
            _ = runtime.functions.use(Int32(device ?? 0))
            _ = device == nil ? runtime.functions.release_pinned(memory) : runtime.functions.release(memory)
        }
    }

    /// What a device is, as its driver says.
    public func properties(of device: Int) throws(DeviceError) -> DeviceProperties {
        try check(device)
        return properties[device]
    }

    /// What the driver could still give out.
    public func freeMemory(of device: Int) throws(DeviceError) -> UInt64 {
        try select(device)
        var (free, total): (UInt64, UInt64) = (0, 0)
        try runtime.check(runtime.functions.memory(&free, &total), device: device, "its free memory")
        return free
    }

    /// Memory of the driver's, aligned to 256 bytes.
    ///
    /// Size 0 gives a pointer that may be freed.
    public func allocate(device: Int, size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer {
        try select(device)
        var memory: UnsafeMutableRawPointer?
        let error = runtime.functions.allocate(&memory, max(size, 1))
        guard error == 0, let memory else {
            guard runtime.functions.is_out_of_memory(error) != 0 else {
                throw runtime.failure(error, device: device, "\(size) bytes for \(purpose)")
            }
            let free = (try? freeMemory(of: device)) ?? 0
            throw .outOfMemory(
                "\(kind):\(device) is out of memory: \(purpose) asked for \(size) bytes, \(free) of the "
                    + "\(properties[device].memorySize) bytes of \(properties[device].name) are free"
            )
        }
        book.withLock { $0[UInt(bitPattern: memory)] = .some(device) }
        return memory
    }

    /// Gives memory from `allocate` back.
    public func deallocate(device: Int, _ memory: UnsafeMutableRawPointer) throws(DeviceError) {
        try select(device)
        let known = book.withLock { book -> Bool in
            guard let owner = book[UInt(bitPattern: memory)], owner == device else { return false }
            book.removeValue(forKey: UInt(bitPattern: memory))
            return true
        }
        guard known else {
            throw .invalidArgument("free of \(memory), which was not allocated on \(kind):\(device) or is free already")
        }
        try runtime.check(runtime.functions.release(memory), device: device, "giving memory back")
    }

    /// Host memory that every device may copy from and to.
    public func allocatePinned(size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer {
        try select(0)
        var memory: UnsafeMutableRawPointer?
        let error = runtime.functions.allocate_pinned(&memory, max(size, 1))
        guard error == 0, let memory else {
            throw runtime.failure(error, device: 0, "\(size) bytes of pinned host memory for \(purpose)")
        }
        book.withLock { $0[UInt(bitPattern: memory)] = .some(nil) }
        return memory
    }

    /// Gives memory from `allocatePinned` back.
    public func deallocatePinned(_ memory: UnsafeMutableRawPointer) throws(DeviceError) {
        try select(0)
        let known = book.withLock { book -> Bool in
            guard let owner = book[UInt(bitPattern: memory)], owner == nil else { return false }
            book.removeValue(forKey: UInt(bitPattern: memory))
            return true
        }
        guard known else {
            throw .invalidArgument("free_pinned of \(memory), which was not allocated here or is free already")
        }
        try runtime.check(runtime.functions.release_pinned(memory), device: 0, "giving pinned memory back")
    }

    /// A stream of the driver's that does not wait for the default stream.
    public func makeStream(device: Int) throws(DeviceError) -> any DeviceStream {
        try check(device)
        return try GPUStream(runtime: runtime, notifier: notifier, device: device)
    }

    /// An event of the driver's, with a time.
    public func makeEvent(device: Int) throws(DeviceError) -> any DeviceEvent {
        try check(device)
        return try GPUEvent(runtime: runtime, device: device)
    }

    /// Loads for each family the code object of the devices' target, or what the compiler makes of its source.
    public func load(
        _ kernels: KernelTable,
        devices: [Int],
        objects: CodeObjectFolder
    ) throws(DeviceError) -> any DeviceKernels {
        for device in devices { try check(device) }
        return try GPUKernels(
            kernels,
            runtime: runtime,
            devices: devices.map { ($0, properties[$0]) },
            objects: objects,
            compiler: compiler
        )
    }

    private func check(_ device: Int) throws(DeviceError) {
        guard device >= 0, device < deviceCount else {
            throw .invalidArgument(
                "\(kind):\(device) is none of the \(deviceCount) devices that \(runtime.library) sees"
            )
        }
    }

    private func select(_ device: Int) throws(DeviceError) {
        try check(device)
        try runtime.use(device)
    }
}
