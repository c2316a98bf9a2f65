import CPluginAPI
import Kernels

/// One of our own kernels, made ready for the host's use on a backend's devices.
final class HostKernel: @unchecked Sendable {
    private let backend: any DeviceBackend
    private let kernels: any DeviceKernels
    private let count: Int

    /// - Throws: What the backend says of a kernel that it cannot make ready.
    init(_ kernel: podium_kernel, backend: any DeviceBackend, devices: [Int]) throws(DeviceError) {
        self.backend = backend
        var size: UInt32 = 0
        guard let all = podium_kernels(&size), let families = podium_families(&size) else {
            throw DeviceError(MLP_INTERNAL, "the host has no kernels")
        }
        let declared = UnsafeMutablePointer<mlp_kernel>.allocate(capacity: 1)
        let family = UnsafeMutablePointer<mlp_kernel_family>.allocate(capacity: 1)
        defer {
            declared.deallocate()
            family.deallocate()
        }
        declared.initialize(to: all[Int(kernel.rawValue)])
        family.initialize(to: families[Int(declared.pointee.family)])
        declared.pointee.family = 0
        var table = mlp_kernels()
        table.struct_size = UInt32(MemoryLayout<mlp_kernels>.size)
        (table.kernel_count, table.kernels) = (1, UnsafePointer(declared))
        (table.family_count, table.families) = (1, UnsafePointer(family))
        let checked = try KernelTable(&table, plugin: "the host")
        count = checked.kernels[0].signature.utf8.count
        // Objects of the host's own kernels lie beside it: host.kernels.
        kernels = try backend.load(
            checked,
            devices: devices,
            objects: CodeObjectFolder(besides: executablePath())
        )
    }

    /// What grids are made for on a stream's device.
    func backend(of stream: any DeviceStream) throws(DeviceError) -> podium_backend {
        podium_backend_of(backend.kind.rawValue, try backend.properties(of: stream.device).architecture)
    }

    /// Queues a launch with a grid of `podium_grid_...` for the stream's device and the arguments in order, each in the low
    /// bytes of a word.
    func launch(_ grid: mlp_grid, _ words: InlineArray<16, UInt64>, on stream: any DeviceStream) throws(DeviceError) {
        var grid = grid
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)
        defer { slots.deallocate() }
        let pointers = UnsafeMutableRawPointer(slots + 16).bindMemory(to: UnsafeRawPointer?.self, capacity: 16)
        for index in 0..<16 {
            (slots + index).initialize(to: words[index])
            (pointers + index).initialize(to: UnsafeRawPointer(slots + index))
        }
        try stream.launch(0, of: kernels, grid: &grid, arguments: pointers, count: UInt32(count))
    }

    /// An argument as a word.
    static func word(_ value: Int32) -> UInt64 { UInt64(UInt32(bitPattern: value)) }

    /// An argument as a word.
    static func word(_ value: UnsafeRawPointer) -> UInt64 { UInt64(UInt(bitPattern: value)) }
}
