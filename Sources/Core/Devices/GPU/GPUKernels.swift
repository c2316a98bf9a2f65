import CGPU
import CPluginAPI

/// A plugin's kernels as functions of the driver's, for each device of a group.
///
/// Loading takes all families; one that has no image for a device's target leaves its kernels without a function, and
/// the error of a launch says why. So a plugin may declare kernels that a device cannot have and not launch them.
final class GPUKernels: DeviceKernels, @unchecked Sendable {
    let runtime: GPURuntime
    private let table: KernelTable
    private let counts: [UInt32]
    /// Row: the device's place in the group; column: kernel.
    private let functions: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// For each device of the backend its row, -1 for devices of other groups.
    private let rows: [Int]
    private var modules: [(device: Int, module: UnsafeMutableRawPointer)] = []
    /// Why a family has no function, by the device's row and the family.
    private var reasons: [[String?]]

    init(
        _ table: KernelTable,
        runtime: GPURuntime,
        devices: [(ordinal: Int, properties: DeviceProperties)],
        compiler: (any KernelCompiler)?
    ) throws(DeviceError) {
        self.table = table
        self.runtime = runtime
        counts = table.kernels.map { UInt32($0.signature.utf8.count) }
        let size = max(table.kernels.count * devices.count, 1)
        functions = .allocate(capacity: size)
        functions.initialize(repeating: nil, count: size)
        var rows = [Int](repeating: -1, count: (devices.map(\.ordinal).max() ?? 0) + 1)
        for (row, device) in devices.enumerated() { rows[device.ordinal] = row }
        self.rows = rows
        reasons = Array(repeating: Array(repeating: nil, count: table.families.count), count: devices.count)
        for (row, device) in devices.enumerated() {
            for family in table.families.indices { try load(family, row, device.ordinal, device.properties, compiler) }
        }
    }

    deinit {
        for (device, module) in modules {
            _ = runtime.functions.use(Int32(device))
            _ = runtime.functions.module_release(module)
        }
        functions.deallocate()
    }

    func name(_ kernel: UInt32) -> String { table.kernels[Int(kernel)].name }

    private func load(
        _ index: Int,
        _ row: Int,
        _ device: Int,
        _ properties: DeviceProperties,
        _ compiler: (any KernelCompiler)?
    ) throws(DeviceError) {
        let family = table.families[index]
        let who = "\(table.plugin): kernel family \(family.name)"
        let target = properties.architecture
        var module: UnsafeMutableRawPointer?
        try runtime.use(device)
        let error: Int32
        if let image = family.codeObjects.first(where: { $0.target == target })?.image, !image.isEmpty {
            error = runtime.functions.module_load(&module, image.baseAddress)
        } else if family.source.isEmpty {
            reasons[row][index] = "\(who) has neither a code object for \(target) nor a source"
            return
        } else if let compiler {
            let image: [UInt8]
            do throws(DeviceError) {
                image = try compiler.image(of: family, plugin: table.plugin, target: target, kind: properties.kind)
            } catch {
                reasons[row][index] = error.message
                return
            }
            error = image.withUnsafeBytes { runtime.functions.module_load(&module, $0.baseAddress) }
        } else {
            reasons[row][index] = "\(who) has no code object for \(target), and no compiler was found for its source"
            return
        }
        try runtime.check(error, device: device, "loading \(who) for \(target)")
        guard let module else { throw DeviceError(MLP_INTERNAL, "\(who): the driver gave no module") }
        modules.append((device, module))
        for (kernel, declared) in table.kernels.enumerated() where declared.family == index {
            var function: UnsafeMutableRawPointer?
            try runtime.check(
                runtime.functions.module_function(&function, module, declared.name),
                device: device,
                "\(who): its code for \(target) has no kernel \(declared.name)"
            )
            if let function, properties.maximumSharedBytesPerBlock > 48 << 10 {
                // A kernel with static shared memory may refuse the whole; it then keeps the driver's default.
                _ = runtime.functions.allow_shared(function, properties.maximumSharedBytesPerBlock)
            }
            functions[row * table.kernels.count + kernel] = function
        }
    }

    /// The function of a kernel on a device if it can be launched with these arguments.
    @inline(__always)
    func function(
        _ kernel: UInt32,
        device: Int,
        arguments: UnsafePointer<UnsafeRawPointer?>?,
        count: UInt32
    ) throws(DeviceError) -> UnsafeMutableRawPointer {
        guard kernel < UInt32(table.kernels.count) else {
            throw .invalidArgument(
                "launch: kernel \(kernel) is none of the \(table.kernels.count) that \(table.plugin) declares"
            )
        }
        guard count == counts[Int(kernel)] else {
            throw .invalidArgument(
                "launch of \(name(kernel)): \(count) arguments for the signature "
                    + "\"\(table.kernels[Int(kernel)].signature)\""
            )
        }
        if count > 0 {
            guard let arguments else { throw .invalidArgument("launch of \(name(kernel)): args is NULL") }
            for index in 0..<Int(count) where arguments[index] == nil {
                throw .invalidArgument("launch of \(name(kernel)): args[\(index)] is NULL; it must point at the value")
            }
        }
        let row = device < rows.count ? rows[device] : -1
        guard row >= 0 else {
            throw .invalidArgument("launch of \(name(kernel)): \(runtime.kind):\(device) is not of this group")
        }
        guard let function = functions[row * table.kernels.count + Int(kernel)] else {
            let reason = reasons[row][table.kernels[Int(kernel)].family]
            throw .unsupported("launch of \(name(kernel)): \(reason ?? "it has no code for this device")")
        }
        return function
    }
}
