import CPluginAPI
import Numerics

/// The arguments of an example's launch, its buffers in a device's memory.
final class PlacedArguments {
    /// The kernel's index in its plugin's table.
    let kernel: UInt32
    /// The buffers, by the argument's position.
    private(set) var buffers: [Int: UnsafeMutableRawPointer] = [:]
    private let group: DeviceGroup
    private let stream: any DeviceStream
    private var grid: mlp_grid
    private let values: UnsafeMutablePointer<UInt>
    private let pointers: UnsafeMutablePointer<UnsafeRawPointer?>
    private let count: Int

    /// Copies an example's buffers to the stream's device and fills those that are to be random.
    ///
    /// - Throws: `BenchFailure` for arguments that are not those of the signature; `DeviceError`.
    init(
        _ example: mlp_kernel_example,
        kernel: UInt32,
        signature: String,
        group: DeviceGroup,
        stream: any DeviceStream
    ) throws {
        let signature = Array(signature.utf8)
        guard signature.count == Int(example.arg_count), example.args != nil || signature.isEmpty else {
            throw BenchFailure("an example has \(example.arg_count) arguments, the signature \(signature.count)")
        }
        self.kernel = kernel
        self.group = group
        self.stream = stream
        grid = example.grid
        count = signature.count
        values = .allocate(capacity: max(1, count))
        pointers = .allocate(capacity: max(1, count))
        for (index, argument) in UnsafeBufferPointer(start: example.args, count: count).enumerated() {
            (values + index).initialize(to: 0)
            guard signature[index] == UInt8(ascii: "p") else {
                (pointers + index).initialize(to: argument.data)
                continue
            }
            (pointers + index).initialize(to: UnsafeRawPointer(values + index))
            let isRandom = argument.flags & UInt32(MLP_ARG_RANDOM) != 0
            guard argument.size > 0, isRandom || argument.data != nil else { continue }
            let memory = try group.backend.allocate(
                device: stream.device,
                size: argument.size,
                purpose: "an example of a kernel"
            )
            buffers[index] = memory
            values[index] = UInt(bitPattern: memory)
            if let data = argument.data {
                try stream.copy(to: memory, from: data, size: argument.size)
                try stream.synchronize()
            } else {
                try NormalNumbers(seed: UInt64(index)).place(argument, at: memory, group.pool, stream)
            }
        }
    }

    deinit {
        for buffer in buffers.values { try? group.backend.deallocate(device: stream.device, buffer) }
        values.deallocate()
        pointers.deallocate()
    }

    /// Queues the launch.
    func launch(_ kernels: any DeviceKernels) throws(DeviceError) {
        try stream.launch(kernel, of: kernels, grid: &grid, arguments: pointers, count: UInt32(count))
    }
}

extension NormalNumbers {
    /// Fills a buffer with numbers of the argument's type: floats are normal, of other types every byte is random.
    fileprivate func place(
        _ argument: mlp_kernel_arg,
        at memory: UnsafeMutableRawPointer,
        _ pool: ThreadPool,
        _ stream: any DeviceStream
    ) throws {
        let type = ElementType(contract: argument.dtype).flatMap { $0.isEncodable && $0.bitWidth >= 8 ? $0 : nil }
        let width = type.map { $0.bitWidth / 8 } ?? 4
        let piece = 1 << 16
        let slab = piece * 4 * pool.threadCount
        let staging = UnsafeMutableRawPointer.allocate(byteCount: slab * width, alignment: 64)
        defer { staging.deallocate() }
        let count = Int(argument.size) / width
        for first in stride(from: 0, to: count, by: slab) {
            let length = min(slab, count - first)
            pool.forEach((length + piece - 1) / piece) { index in
                let start = index * piece
                let part = min(piece, length - start)
                let room = UnsafeMutableRawBufferPointer(start: staging + start * width, count: part * width)
                guard let type else {
                    for word in 0..<part {
                        room.storeBytes(of: bits(first + start + word), toByteOffset: word * 4, as: UInt32.self)
                    }
                    return
                }
                withUnsafeTemporaryAllocation(of: Float.self, capacity: part) { floats in
                    fill(floats, first: first + start)
                    type.encode(UnsafeBufferPointer(floats), into: room, overflow: .saturates)
                }
            }
            try stream.copy(to: memory + first * width, from: staging, size: UInt64(length * width))
            try stream.synchronize()
        }
        let rest = argument.size % UInt64(width)
        if rest > 0 { try stream.fill(memory + count * width, value: 0, size: rest) }
    }
}
