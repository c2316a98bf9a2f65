import CPluginAPI

/// One launch of a kernel with its grid, its arguments, and the memory that they point to.
final class WorkedExample {
    let grid: mlp_grid
    let arguments: UnsafeBufferPointer<mlp_kernel_arg>
    private var memory: [UnsafeMutableRawPointer] = []

    init(grid: mlp_grid, _ list: [ExampleArgument]) {
        self.grid = grid
        let arguments = UnsafeMutableBufferPointer<mlp_kernel_arg>.allocate(capacity: list.count)
        self.arguments = UnsafeBufferPointer(arguments)
        for (index, argument) in list.enumerated() { arguments.initializeElement(at: index, to: lay(argument)) }
    }

    deinit {
        for block in memory { block.deallocate() }
        arguments.deallocate()
    }

    private func lay(_ argument: ExampleArgument) -> mlp_kernel_arg {
        switch argument {
        case .int(let value): return buffer([Int32(value)], MLP_I32)
        case .float(let value): return buffer([value], MLP_F32)
        case .null: return mlp_kernel_arg()
        case .floats(let values): return buffer(values, MLP_F32)
        case .ints(let values): return buffer(values.map { Int32($0) }, MLP_I32)
        case .weights(let weights): return buffer(weights)
        case .bytes(let values): return buffer(values, MLP_U8)
        case .signedBytes(let values): return buffer(values, MLP_I8)
        case .random(let count, let type, let bytes):
            var argument = mlp_kernel_arg()
            argument.size = UInt64(count * bytes)
            argument.flags = UInt32(MLP_ARG_RANDOM)
            argument.dtype = Int32(type)
            return argument
        case .output(let initial, let expected, let absolute, let relative):
            return output(buffer(initial, MLP_F32), expected, absolute, relative)
        case .elements(let initial, let expected, let absolute):
            return output(buffer(initial), expected, absolute, 0)
        case .indices(let initial, let expected):
            return output(buffer(initial.map { Int32($0) }, MLP_I32), expected.map { Double($0) }, 0, 0)
        case .codes(let initial, let expected):
            return output(buffer(initial.map { Int8($0) }, MLP_I8), expected.map { Double($0) }, 0, 0)
        }
    }

    private func output(
        _ buffer: mlp_kernel_arg,
        _ expected: [Double],
        _ absolute: Double,
        _ relative: Double
    ) -> mlp_kernel_arg {
        var output = buffer
        output.flags = UInt32(MLP_ARG_OUTPUT)
        output.expected = UnsafePointer(copy(expected).assumingMemoryBound(to: Double.self))
        output.absolute_tolerance = absolute
        output.relative_tolerance = relative
        return output
    }

    private func buffer(_ weights: ExampleWeights) -> mlp_kernel_arg {
        switch weights.elements {
        case .float32(let values): buffer(values, MLP_F32)
        case .bfloat16(let values): buffer(values, MLP_BF16)
        case .float16(let values): buffer(values, MLP_F16)
        case .e4m3(let codes): buffer(codes, MLP_F8E4M3)
        }
    }

    private func buffer<Element: BitwiseCopyable>(_ values: [Element], _ type: Int) -> mlp_kernel_arg {
        var argument = mlp_kernel_arg()
        argument.data = UnsafeRawPointer(copy(values))
        argument.size = UInt64(values.count * MemoryLayout<Element>.stride)
        argument.dtype = Int32(type)
        return argument
    }

    private func copy<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, values.count * MemoryLayout<Element>.stride),
            alignment: MemoryLayout<Element>.alignment
        )
        values.withUnsafeBytes {
            block.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(block), byteCount: $0.count)
        }
        memory.append(block)
        return block
    }
}
