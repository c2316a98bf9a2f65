import CPluginAPI
import Kernels
import Numerics
import Synchronization

/// Dense products by our own kernel `gemm`: x and y in float32, w in float32, bfloat16, half or E4M3.
///
/// Every sum runs in one order of its own (docs/numerics.md), so that a row's bits do not depend on the batch.
final class KernelGemm: DeviceGemm, @unchecked Sendable {
    let name = "podium_gemm"
    let isBatchInvariant = true

    private let backend: any DeviceBackend
    private let kernel: HostKernel
    /// A row count in a device's memory, which the kernel reads through a pointer.
    private let counts = Mutex<[RowCount: UInt]>([:])

    private struct RowCount: Hashable {
        let device: Int
        let rows: Int
    }

    init(backend: any DeviceBackend, devices: [Int]) throws(DeviceError) {
        self.backend = backend
        kernel = try HostKernel(PODIUM_GEMM, backend: backend, devices: devices)
    }

    deinit {
        for (place, address) in counts.withLock({ $0 }) {
            guard let memory = UnsafeMutableRawPointer(bitPattern: address) else { continue }
            try? backend.deallocate(device: place.device, memory)
        }
    }

    func prepare(_ shape: GemmShape, on stream: any DeviceStream) throws(DeviceError) {
        _ = try Self.weightType(shape)
        _ = try rowCount(shape, stream)
    }

    func multiply(_ shape: GemmShape, _ operands: GemmOperands, on stream: any DeviceStream) throws(DeviceError) {
        try operands.check(shape)
        let dtype = try Self.weightType(shape)
        let live = try rowCount(shape, stream)
        let (rows, n, k) = (Int32(shape.m), Int32(shape.n), Int32(shape.k))
        typealias Kernel = HostKernel
        // As podium_gemm has them; no scales, no bias, no residual.
        try kernel.launch(
            podium_grid_gemm(try kernel.backend(of: stream), rows, n, k),
            [
                Kernel.word(dtype), Kernel.word(operands.y), Kernel.word(operands.x), Kernel.word(operands.w), 0, 0, 0,
                Kernel.word(live), Kernel.word(rows), Kernel.word(n), Kernel.word(k), 0, 0, 0, 0, 0,
            ],
            on: stream
        )
    }

    /// A device's word that holds the shape's row count.
    private func rowCount(_ shape: GemmShape, _ stream: any DeviceStream) throws(DeviceError) -> UnsafeMutableRawPointer
    {
        let place = RowCount(device: stream.device, rows: shape.m)
        if let known = counts.withLock({ $0[place] }).flatMap({ UnsafeMutableRawPointer(bitPattern: $0) }) {
            return known
        }
        guard !stream.isRecording else {
            throw .invalidState("gemm of \(shape): call prepare before the recording; it takes memory")
        }
        let memory = try backend.allocate(device: stream.device, size: 4, purpose: "a product's row count")
        try stream.place(withUnsafeBytes(of: Int32(shape.m)) { Array($0) }, at: memory)
        let address = UInt(bitPattern: memory)
        let kept = counts.withLock { counts in
            let other = counts[place]
            counts[place] = other ?? address
            return other ?? address
        }
        if kept != address { try backend.deallocate(device: stream.device, memory) }
        return UnsafeMutableRawPointer(bitPattern: kept) ?? memory
    }

    private static func weightType(_ shape: GemmShape) throws(DeviceError) -> Int32 {
        let types: [ElementType: podium_dtype] = [
            .f32: PODIUM_F32, .bf16: PODIUM_BF16, .f16: PODIUM_F16, .f8e4m3: PODIUM_F8E4M3,
        ]
        guard shape.x == .f32, shape.y == .f32, shape.scaling == .none, let w = types[shape.w] else {
            throw .unsupported(
                "gemm of \(shape): podium_gemm takes x and y in F32 and w in F32, BF16, F16 or F8_E4M3, without scales"
            )
        }
        guard max(shape.m, shape.n, shape.k) <= Int(Int32.max) else {
            throw .unsupported("gemm of \(shape): podium_gemm counts extents in 32 bits")
        }
        return Int32(w.rawValue)
    }
}
