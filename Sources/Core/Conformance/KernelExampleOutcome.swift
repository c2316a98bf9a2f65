import CPluginAPI
import Numerics

/// One example of a kernel, launched on the first device of a group and compared.
struct KernelExampleOutcome {
    /// The bytes of every output, one after another.
    private(set) var outputs: [UInt8] = []
    /// Differences beyond the tolerance, in words.
    private(set) var mismatches: [String] = []

    /// - Returns: nil if the kernel has no example of that number.
    init?(instance: LoadedInstance, devices: DeviceGroup, kernel: UInt32, number: UInt32) throws {
        guard let table = instance.tables.kernels, table.pointee.example != nil, let loaded = devices.kernels else {
            return nil
        }
        var example = mlp_kernel_example()
        example.struct_size = UInt32(MemoryLayout<mlp_kernel_example>.size)
        let status = table.pointee.example(
            instance.plugin,
            kernel,
            number,
            devices.backend.kind.rawValue,
            devices.architecture,
            &example
        )
        if status == mlp_status(MLP_NOT_FOUND) { return nil }
        try demand(status == mlp_status(MLP_OK), "example \(number) of kernel \(kernel): \(statusName(status))")
        guard let kernels = devices.kernelTable else { return nil }
        let signature = Array(kernels.kernels[Int(kernel)].signature.utf8)
        try demand(
            signature.count == Int(example.arg_count) && (example.args != nil || signature.isEmpty),
            "example \(number) of \(kernels.kernels[Int(kernel)].name) has \(example.arg_count) arguments, its signature "
                + "\(signature.count)"
        )
        let arguments = UnsafeBufferPointer(start: example.args, count: Int(example.arg_count))
        let device = devices.devices[0]
        let stream = try devices.backend.makeStream(device: device)
        let values = UnsafeMutablePointer<UInt>.allocate(capacity: max(1, arguments.count))
        defer { values.deallocate() }
        var pointers: [UnsafeRawPointer?] = []
        var buffers: [Int: UnsafeMutableRawPointer] = [:]
        defer { for buffer in buffers.values { try? devices.backend.deallocate(device: device, buffer) } }
        for (index, argument) in arguments.enumerated() {
            guard signature[index] == UInt8(ascii: "p") else {
                pointers.append(argument.data)
                continue
            }
            var address: UnsafeMutableRawPointer?
            if let data = argument.data, argument.size > 0 {
                let memory = try devices.backend.allocate(device: device, size: argument.size, purpose: "an example")
                buffers[index] = memory
                try stream.copy(to: memory, from: data, size: argument.size)
                address = memory
            }
            values[index] = UInt(bitPattern: address)
            pointers.append(UnsafeRawPointer(values + index))
        }
        try pointers.withUnsafeBufferPointer { pointers in
            try stream.launch(
                kernel,
                of: loaded,
                grid: &example.grid,
                arguments: pointers.baseAddress,
                count: example.arg_count
            )
        }
        try stream.synchronize()
        for (index, argument) in arguments.enumerated() where argument.flags & UInt32(MLP_ARG_OUTPUT) != 0 {
            guard let buffer = buffers[index] else { continue }
            var result = [UInt8](repeating: 0, count: Int(argument.size))
            try result.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                try stream.copy(to: base, from: buffer, size: argument.size)
                try stream.synchronize()
            }
            outputs += result
            compare(result, argument, argumentIndex: index)
        }
    }

    private mutating func compare(_ result: [UInt8], _ argument: mlp_kernel_arg, argumentIndex: Int) {
        guard let expected = argument.expected else { return }
        let values: [Double]
        switch Int(argument.dtype) {
        case Int(MLP_F32): values = result.withUnsafeBytes { $0.bindMemory(to: Float.self).map(Double.init) }
        case Int(MLP_F64): values = result.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
        case Int(MLP_I32): values = result.withUnsafeBytes { $0.bindMemory(to: Int32.self).map(Double.init) }
        case Int(MLP_U8): values = result.map(Double.init)
        case Int(MLP_I8): values = result.map { Double(Int8(bitPattern: $0)) }
        case Int(MLP_BF16):
            values = result.withUnsafeBytes {
                $0.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
            }
        case Int(MLP_F8E4M3):
            values = result.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: $0.count).map(Double.init) }
        default:
            mismatches.append("argument \(argumentIndex): outputs of dtype \(argument.dtype) cannot be compared")
            return
        }
        for (position, value) in values.enumerated() {
            let wanted = expected[position]
            let room = argument.absolute_tolerance + argument.relative_tolerance * abs(wanted)
            if !(abs(value - wanted) <= room) {
                mismatches.append(
                    "argument \(argumentIndex)[\(position)] is \(value); expected \(wanted) within \(room)"
                )
                return
            }
        }
    }
}
