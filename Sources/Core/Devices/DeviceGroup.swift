public import CPluginAPI
import Glibc
import Synchronization

/// The devices of one plugin instance, numbered 0..<count, and what the instance has made on them.
public final class DeviceGroup: @unchecked Sendable {
    /// What drives the devices.
    public let backend: any DeviceBackend
    /// The ordinals of the group's devices in the backend.
    public let devices: [Int]
    /// The host's threads, for loading and for CPU stages.
    public let pool: ThreadPool
    /// Whose devices they are, for messages.
    public let plugin: String

    let streams = HandleTable<any DeviceStream>(tag: 1)
    let events = HandleTable<any DeviceEvent>(tag: 2)
    let recordings = HandleTable<any DeviceRecording>(tag: 3)

    /// Set once, before the plugin's prepare(), by the control thread.
    private(set) var kernels: (any DeviceKernels)?
    /// The kernels as declared, once they are registered.
    public private(set) var kernelTable: KernelTable?

    /// What `mlp.gemm/1` multiplies with, decided when it is asked for first.
    let gemm = Mutex<Result<any DeviceGemm, DeviceError>?>(nil)

    private let properties: [(DeviceProperties, name: UnsafeMutablePointer<CChar>, target: UnsafeMutablePointer<CChar>)]

    /// A group of a backend's devices.
    ///
    /// - Throws: `MLP_INVALID_ARGUMENT` for no device, one device twice, one that the backend does not have, or devices
    ///   of different architectures.
    public init(backend: any DeviceBackend, devices: [Int], pool: ThreadPool, plugin: String) throws(DeviceError) {
        guard !devices.isEmpty, Set(devices).count == devices.count else {
            throw .invalidArgument("\(plugin): a group needs one device or more, each once; given are \(devices)")
        }
        var properties: [DeviceProperties] = []
        for device in devices { properties.append(try backend.properties(of: device)) }
        if let other = properties.first(where: { $0.architecture != properties[0].architecture }) {
            throw .invalidArgument(
                "\(plugin): the devices of a group must be alike; \(properties[0].name) is \(properties[0].architecture), "
                    + "\(other.name) is \(other.architecture)"
            )
        }
        self.backend = backend
        self.devices = devices
        self.pool = pool
        self.plugin = plugin
        self.properties = properties.map { ($0, Self.cString($0.name), Self.cString($0.architecture)) }
    }

    deinit {
        for (_, name, target) in properties {
            name.deallocate()
            target.deallocate()
        }
    }

    /// A group on the processor: `devices` devices that share `threads` threads (`nil`: one for each usable CPU).
    public static func cpu(
        devices: Int = 1,
        threads: Int? = nil,
        memoryBudget: UInt64? = nil,
        plugin: String
    ) throws(DeviceError) -> DeviceGroup {
        let pool = ThreadPool(threads: threads)
        let backend = CPUBackend(pool: pool, deviceCount: devices, memoryBudget: memoryBudget)
        return try DeviceGroup(backend: backend, devices: Array(0..<devices), pool: pool, plugin: plugin)
    }

    /// What the devices are: "gfx950", "sm_90", "x86-64-avx512".
    public var architecture: String { properties[0].0.architecture }

    /// Checks the kernels that the plugin declares and makes them ready; from here on they can be launched.
    ///
    /// - Throws: `MLP_INVALID_ARGUMENT` for a bad declaration, `MLP_INVALID_STATE` the second time, and what the
    ///   backend says of kernels that it cannot make ready.
    public func registerKernels(_ table: UnsafePointer<mlp_kernels>) throws(DeviceError) {
        guard kernels == nil else { throw .invalidState("\(plugin): its kernels are registered already") }
        let declared = try KernelTable(table, plugin: plugin)
        kernels = try backend.load(declared, devices: devices, objects: CodeObjectFolder(besides: plugin))
        kernelTable = declared
    }

    /// What the instance has made and not given back.
    public var outstanding: (streams: Int, events: Int, recordings: Int) {
        (streams.count, events.count, recordings.count)
    }

    /// Releases what the instance has left behind, after its destroy().
    public func releaseAll() {
        recordings.releaseAll()
        streams.releaseAll()
        events.releaseAll()
    }

    /// The backend's ordinal of the group's device.
    @inline(__always)
    func ordinal(_ device: UInt32) throws(DeviceError) -> Int {
        guard device < UInt32(devices.count) else {
            throw .invalidArgument("device \(device) is none of the \(devices.count) of the group")
        }
        return devices[Int(device)]
    }

    /// Writes what the caller has room for, by its struct_size.
    func writeProperties(of device: UInt32, to out: UnsafeMutablePointer<mlp_device_properties>) throws(DeviceError) {
        _ = try ordinal(device)
        let (known, name, target) = properties[Int(device)]
        let room = out.pointee.struct_size
        guard room >= UInt32(MemoryLayout<mlp_device_properties>.offset(of: \.name) ?? 8) else {
            throw .invalidArgument("properties: struct_size is \(room); set it to sizeof (mlp_device_properties) first")
        }
        var filled = mlp_device_properties(
            struct_size: room,
            kind: known.kind.rawValue,
            name: name,
            architecture: target,
            memory_size: known.memorySize,
            compute_units: known.computeUnits,
            wave_size: known.waveSize,
            max_threads_per_block: known.maximumThreadsPerBlock,
            max_shared_bytes_per_block: known.maximumSharedBytesPerBlock
        )
        memcpy(out, &filled, min(Int(room), MemoryLayout<mlp_device_properties>.size))
    }

    private static func cString(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: Array(bytes), count: bytes.count)
        return copy
    }
}
