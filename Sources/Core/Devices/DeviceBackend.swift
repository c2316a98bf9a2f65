public import CPluginAPI

/// One kind of device: the CPU, AMD GPUs through HIP, NVIDIA GPUs through CUDA.
///
/// All functions may be called on any thread, concurrently.
public protocol DeviceBackend: AnyObject, Sendable {
    /// `cpu`, `hip` or `cuda`.
    var kind: DeviceKind { get }

    /// How many devices there are; the functions below number them 0..<deviceCount.
    var deviceCount: Int { get }

    /// Whether kernels may be handed any host memory, mapped files included, as if it were the device's.
    var readsHostMemory: Bool { get }

    /// What a device is.
    func properties(of device: Int) throws(DeviceError) -> DeviceProperties

    /// Bytes that `allocate` can still give out on a device.
    func freeMemory(of device: Int) throws(DeviceError) -> UInt64

    /// Uninitialised device memory, aligned to 256 bytes at least.
    ///
    /// - Parameters:
    ///   - device: the device's ordinal.
    ///   - size: in bytes.
    ///   - purpose: who asks, for the error message.
    /// - Returns: the memory, to be given back with `deallocate`.
    /// - Throws: `MLP_OUT_OF_MEMORY` with what was asked for and what is free.
    func allocate(device: Int, size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer

    /// Gives memory from `allocate` back.  Fails for a pointer that is not one.
    func deallocate(device: Int, _ memory: UnsafeMutableRawPointer) throws(DeviceError)

    /// Host memory that copies can overlap with.
    func allocatePinned(size: UInt64, purpose: String) throws(DeviceError) -> UnsafeMutableRawPointer

    /// Gives memory from `allocatePinned` back.  Fails for a pointer that is not one.
    func deallocatePinned(_ memory: UnsafeMutableRawPointer) throws(DeviceError)

    /// A new queue of work.
    func makeStream(device: Int) throws(DeviceError) -> any DeviceStream

    /// A new mark that streams can set and wait for.
    func makeEvent(device: Int) throws(DeviceError) -> any DeviceEvent

    /// Makes a plugin's kernels ready to be launched on the devices given.
    ///
    /// - Parameters:
    ///   - kernels: what the plugin declares.
    ///   - devices: the ordinals of alike devices.
    ///   - objects: where objects of the plugin's sources may lie, for a backend that has a use for them.
    /// - Returns: what `launch` takes.
    /// - Throws: what the driver says of code that it refuses.
    func load(
        _ kernels: KernelTable,
        devices: [Int],
        objects: CodeObjectFolder
    ) throws(DeviceError) -> any DeviceKernels
}

/// Which runtime drives a device; the raw values are the contract's.
public enum DeviceKind: Int32, Sendable {
    /// The processor, driven by the kernels' twins.
    case cpu = 0
    /// An AMD GPU.
    case hip = 1
    /// An NVIDIA GPU.
    case cuda = 2
}

/// What a device is, in the words of its driver.
public struct DeviceProperties: Sendable, Equatable {
    /// Which runtime drives it.
    public var kind: DeviceKind
    /// Its name as the driver says it.
    public var name: String
    /// Its target: "gfx950", "sm_90", "x86-64-avx512".
    public var architecture: String
    /// Bytes of memory.
    public var memorySize: UInt64
    /// CUs, SMs, or CPU threads.
    public var computeUnits: UInt32
    /// 64, 32, or 1.
    public var waveSize: UInt32
    /// Most threads in a block.
    public var maximumThreadsPerBlock: UInt32
    /// Most bytes of shared memory in a block.
    public var maximumSharedBytesPerBlock: UInt32
}

/// Kernels that a backend has made ready, by their index in the plugin's table.
public protocol DeviceKernels: AnyObject, Sendable {
    /// Where their code came from; `nil` where it is the plugin's own.
    var origins: KernelOrigins? { get }
}

extension DeviceKernels {
    /// Twins are the plugin's own code.
    public var origins: KernelOrigins? { nil }
}

/// Work that a device does in order and asynchronously.
///
/// One thread uses a stream at a time.
public protocol DeviceStream: AnyObject {
    /// The device's ordinal in its backend.
    var device: Int { get }

    /// The hipStream_t or CUstream behind it, `nil` on a CPU.
    var native: UnsafeMutableRawPointer? { get }

    /// Copies in any direction.  Both ranges stay valid until the stream has passed the copy.
    func copy(to: UnsafeMutableRawPointer, from: UnsafeRawPointer, size: UInt64) throws(DeviceError)

    /// Sets bytes.
    func fill(_ to: UnsafeMutableRawPointer, value: UInt8, size: UInt64) throws(DeviceError)

    /// Launches a kernel; `arguments[i]` points at the value of the i-th argument, which is copied.
    func launch(
        _ kernel: UInt32,
        of kernels: any DeviceKernels,
        grid: UnsafePointer<mlp_grid>,
        arguments: UnsafePointer<UnsafeRawPointer?>?,
        count: UInt32
    ) throws(DeviceError)

    /// Marks this point of the stream.
    func record(_ event: any DeviceEvent) throws(DeviceError)

    /// Lets the stream wait for the point that the event marked last.
    func wait(for event: any DeviceEvent) throws(DeviceError)

    /// Blocks until all work so far is done; throws the first error of that work.
    func synchronize() throws(DeviceError)

    /// Calls `done` on a thread of the backend once all work so far is done.
    func notify(
        _ done: @escaping @convention(c) (UnsafeMutableRawPointer?, mlp_status) -> Void,
        context: UnsafeMutableRawPointer?
    ) throws(DeviceError)

    /// Whether the stream is between `beginRecording` and `endRecording`.
    var isRecording: Bool { get }

    /// From here on launches, copies and fills are kept and not executed.
    func beginRecording() throws(DeviceError)

    /// Ends what `beginRecording` began.
    func endRecording() throws(DeviceError) -> any DeviceRecording

    /// Executes a recording of a stream of the same device.
    func replay(_ recording: any DeviceRecording) throws(DeviceError)
}

/// A mark in a stream.
public protocol DeviceEvent: AnyObject {
    /// Blocks until the stream has passed the mark; an event that marks nothing is passed.
    func synchronize() throws(DeviceError)

    /// The device's time from another event's mark to this one's, both passed.
    func milliseconds(since start: any DeviceEvent) throws(DeviceError) -> Float
}

/// A sequence of launches, copies and fills with fixed arguments, grids and addresses.
public protocol DeviceRecording: AnyObject {}
