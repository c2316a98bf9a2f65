import CPluginAPI

@testable import Core

/// A plugin instance's view of the services, and calls of them in Swift.
final class Instance {
    let context: ServiceContext
    let group: DeviceGroup
    let table: UnsafeMutablePointer<mlp_host>
    var device: mlp_device { DeviceServices.device.pointee }
    var launcher: mlp_launch { DeviceServices.launch.pointee }
    var pool: mlp_pool { DeviceServices.pool.pointee }

    convenience init(
        threads: Int = 2,
        devices: Int = 1,
        memoryBudget: UInt64? = nil,
        kernels: UnsafePointer<mlp_kernels>? = nil
    ) throws {
        let group = try DeviceGroup.cpu(devices: devices, threads: threads, memoryBudget: memoryBudget, plugin: "Test")
        try self.init(group: group, kernels: kernels ?? Twins.table)
    }

    init(group: DeviceGroup, kernels: UnsafePointer<mlp_kernels>) throws {
        self.group = group
        try group.registerKernels(kernels)
        context = ServiceContext(deviceGroup: group)
        table = .allocate(capacity: 1)
        table.initialize(
            to: mlp_host(
                struct_size: UInt32(MemoryLayout<mlp_host>.size),
                abi_minor: 0,
                impl: Unmanaged.passUnretained(context).toOpaque(),
                name: nil,
                version: nil,
                service: nil,
                log: nil,
                fail: nil
            )
        )
    }

    deinit { table.deallocate() }

    func stream(device ordinal: UInt32 = 0) -> OpaquePointer? {
        var stream: OpaquePointer?
        _ = device.stream_create(table, ordinal, &stream)
        return stream
    }

    /// Launches with values of the types that the signature says.
    func launch(
        _ stream: OpaquePointer?,
        _ kernel: UInt32,
        blocks: (UInt32, UInt32, UInt32),
        threads: (UInt32, UInt32, UInt32) = (1, 1, 1),
        shared: UInt32 = 0,
        _ values: [any Argument]
    ) -> mlp_status {
        var grid = mlp_grid(blocks: blocks, threads: threads, shared_bytes: shared)
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: max(values.count, 1))
        defer { slots.deallocate() }
        var pointers: [UnsafeRawPointer?] = []
        for (index, value) in values.enumerated() {
            value.write(to: UnsafeMutableRawPointer(slots + index))
            pointers.append(UnsafeRawPointer(slots + index))
        }
        return launcher.launch(table, stream, kernel, &grid, pointers, UInt32(values.count))
    }
}

/// A kernel argument.
protocol Argument {
    func write(to slot: UnsafeMutableRawPointer)
}

extension Argument {
    func write(to slot: UnsafeMutableRawPointer) { slot.initializeMemory(as: Self.self, to: self) }
}

extension Int32: Argument {}
extension Int64: Argument {}
extension Float: Argument {}
extension Double: Argument {}
extension UnsafeMutablePointer: Argument {}
extension UnsafePointer: Argument {}
