import CPlatform

/// The processor as a device: kernels are their twins, called through libffi for ranges of blocks that the threads of
/// a pool share out.
///
/// Streams execute in the thread that calls them (and the pool) before the call returns.  That is the simplest form of
/// the contract's asynchronous streams: everything queued so far has always finished, events are always passed, and
/// every error is returned by the call that made it.
public final class CPUBackend: DeviceBackend {
    /// The threads that launches are spread over.
    public let pool: ThreadPool
    /// Always `cpu`.
    public let kind = DeviceKind.cpu
    /// How many devices the processor pretends to be, which share its memory and its threads.
    public let deviceCount: Int
    /// Whether mapped files may be bound as they are.
    public let readsHostMemory: Bool

    let memory: CPUMemory
    let notifier = Notifier()
    private let name = SystemMemory.processorName
    private let memorySize: UInt64

    /// The processor as `deviceCount` devices.
    ///
    /// - Parameters:
    ///   - pool: the threads for launches.
    ///   - deviceCount: more than 1 lets a group of devices be tried where there is only a processor.
    ///   - memoryBudget: bytes that may be given out in all; `nil` for what the kernel says is available now.
    ///   - bindsMappedPages: `false` copies weights into allocated memory, as a GPU would.
    public init(
        pool: ThreadPool,
        deviceCount: Int = 1,
        memoryBudget: UInt64? = nil,
        bindsMappedPages: Bool = true
    ) {
        self.pool = pool
        self.deviceCount = max(deviceCount, 1)
        readsHostMemory = bindsMappedPages
        memorySize = SystemMemory.total
        memory = CPUMemory(budget: memoryBudget ?? SystemMemory.available)
    }

    /// The target that kernels are dispatched for: "x86-64-avx512", "x86-64-avx2", "x86-64", "aarch64".
    public static var architecture: String { String(cString: podium_cpu_architecture()) }

    /// What the processor is; memory and threads are the whole processor's for each of its devices.
    public func properties(of device: Int) throws(DeviceError) -> DeviceProperties {
        try check(device)
        return DeviceProperties(
            kind: .cpu,
            name: name,
            architecture: Self.architecture,
            memorySize: memorySize,
            computeUnits: UInt32(pool.threadCount),
            waveSize: 1,
            maximumThreadsPerBlock: 1,
            maximumSharedBytesPerBlock: 0
        )
    }

    /// What is left of the budget.
    public func freeMemory(of device: Int) throws(DeviceError) -> UInt64 {
        try check(device)
        return memory.free
    }

    /// Memory aligned to 256 bytes, in huge pages from 2 MiB on.
    ///
    /// Size 0 gives a pointer that may be freed.
    public func allocate(device: Int, size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer {
        try check(device)
        return try memory.allocate(size, purpose: purpose)
    }

    /// Gives memory from `allocate` back.
    public func deallocate(device: Int, _ memory: UnsafeMutableRawPointer) throws(DeviceError) {
        try check(device)
        try deallocatePinned(memory)
    }

    /// The same as device memory.
    public func allocatePinned(size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer {
        try memory.allocate(size, purpose: purpose)
    }

    /// Gives memory from `allocatePinned` back.
    public func deallocatePinned(_ memory: UnsafeMutableRawPointer) throws(DeviceError) {
        guard self.memory.deallocate(memory) else {
            throw .invalidArgument("free of \(memory), which was not allocated here or is free already")
        }
    }

    /// A stream that executes in the calling thread.
    public func makeStream(device: Int) throws(DeviceError) -> any DeviceStream {
        try check(device)
        return CPUStream(backend: self, device: device)
    }

    /// An event, which on a processor is always passed.
    public func makeEvent(device: Int) throws(DeviceError) -> any DeviceEvent {
        try check(device)
        return CPUEvent()
    }

    /// Prepares the call of each twin; a kernel without one fails when it is launched.
    public func load(
        _ kernels: KernelTable,
        devices: [Int],
        objects: CodeObjectFolder
    ) throws(DeviceError) -> any DeviceKernels {
        for device in devices { try check(device) }
        return try CPUKernels(kernels)
    }

    private func check(_ device: Int) throws(DeviceError) {
        guard device >= 0, device < deviceCount else {
            throw .invalidArgument("cpu device \(device) is none of the \(deviceCount) there are")
        }
    }
}
