import CGPU
import CPluginAPI

/// A plugin's kernels as functions of the driver's, for each device of a group.
///
/// A family's code is the object that the plugin embeds for the device's target, else the one that lies beside it, else
/// what the compiler makes of the source. An object that is broken, for another target or without a kernel is passed
/// over with a note that names it and says why: the next place is asked. A family that has no code leaves its kernels
/// without a function, and the error of a launch says why; so a plugin may declare kernels that a device cannot have and
/// not launch them.
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
    /// Where the code came from: the devices are alike, so those of the first stand for all.
    private(set) var origins: KernelOrigins?

    init(
        _ table: KernelTable,
        runtime: GPURuntime,
        devices: [(ordinal: Int, properties: DeviceProperties)],
        objects: CodeObjectFolder,
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
        guard let target = devices.first?.properties else { return }
        var origins = KernelOrigins(target: target.architecture)
        for index in table.families.indices {
            var code = FamilyCode(table, family: index, on: target, folder: objects, compiler: compiler)
            origins.notes += code.notes
            for (row, device) in devices.enumerated() {
                let place = try load(index, &code, row, device.ordinal, device.properties, &origins.notes)
                if row == 0 { origins.families.append((table.families[index].name, place)) }
            }
        }
        self.origins = origins
    }

    deinit {
        for (device, module) in modules {
            _ = runtime.functions.use(Int32(device))
            _ = runtime.functions.module_release(module)
        }
        functions.deallocate()
    }

    func name(_ kernel: UInt32) -> String { table.kernels[Int(kernel)].name }

    /// Loads a family on a device from the first place that has code for it.
    private func load(
        _ index: Int,
        _ code: inout FamilyCode,
        _ row: Int,
        _ device: Int,
        _ properties: DeviceProperties,
        _ notes: inout [String]
    ) throws(DeviceError) -> KernelOrigins.Place {
        let who = code.who
        let target = properties.architecture
        try runtime.use(device)
        var module: UnsafeMutableRawPointer?
        var found: KernelOrigins.Place?
        for object in code.objects where found == nil {
            let error = object.withImage { runtime.functions.module_load(&module, $0) }
            if error == 0 {
                found = object.place
            } else {
                let refused = runtime.failure(error, device: device, "loading \(who) for \(target)")
                guard code.canCompile else { throw refused }
                notes.append("\(object.name) is passed over: \(refused.message)")
            }
        }
        if found == nil {
            let image: CompiledImage
            do throws(DeviceError) {
                image = try code.compiled()
            } catch {
                reasons[row][index] = error.message
                if row == 0 { notes.append(error.message) }
                return .none
            }
            let error = image.bytes.withUnsafeBytes { runtime.functions.module_load(&module, $0.baseAddress) }
            try runtime.check(error, device: device, "loading \(who) for \(target)")
            found = image.isKept ? .kept : .compiled
        }
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
        return found ?? .none
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
