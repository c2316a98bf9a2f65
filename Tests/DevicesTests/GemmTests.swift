import CGPU
import CPluginAPI
import Glibc
import Numerics
import Testing

@testable import Core

/// Dense products on the processor, and through the vendors' interfaces on libraries that multiply in host memory.
///
/// The references are sums in double of the operands as they were rounded. No extent equals another, so that a layout
/// that is turned gives other numbers or is refused.
@Suite(.serialized) struct GemmTests {
    private static func path(_: podium_blas_interface) -> String? { FakeDriver.path }

    /// A product with its operands in a device's memory.
    private final class Product {
        let shape: GemmShape
        let group: DeviceGroup
        let operands: GemmOperands
        let expected: [Double]
        let magnitudes: [Double]
        private let memory: [UnsafeMutableRawPointer]
        private var device: Int { group.devices[0] }

        init(_ shape: GemmShape, _ group: DeviceGroup) throws {
            self.shape = shape
            self.group = group
            var generator = SystemRandomNumberGenerator()
            func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in .random(in: -2...2, using: &generator) } }
            let device = group.devices[0]
            let stream = try group.backend.makeStream(device: device)
            var memory: [UnsafeMutableRawPointer] = []
            func place(_ bytes: [UInt8]) throws -> UnsafeMutableRawPointer {
                let place = try group.backend.allocate(device: device, size: UInt64(bytes.count), purpose: "a test")
                memory.append(place)
                try stream.place(bytes, at: place)
                return place
            }
            /// The operand's bytes and scales, and what they mean.
            func operand(
                _ rows: Int,
                _ type: ElementType,
                _ scale: Float
            ) throws
                -> (UnsafeMutableRawPointer, UnsafeMutableRawPointer?, [Float])
            {
                let wanted = numbers(rows * shape.k)
                switch shape.scaling {
                case .blocks:
                    var (codes, scales) = ([UInt8](repeating: 0, count: rows * shape.k / 2), [UInt8]())
                    scales = (0..<rows * shape.k / 32).map { _ in UInt8.random(in: 125...129, using: &generator) }
                    for index in codes.indices { codes[index] = .random(in: 0...255, using: &generator) }
                    var meant = codes.withUnsafeBytes { ElementType.f4e2m1.decode($0, count: rows * shape.k) }
                    for index in meant.indices { meant[index] *= exp2(Float(scales[index / 32]) - 127) }
                    return (try place(codes), try place(scales), meant)
                case .whole:
                    let codes = type.encode(wanted)
                    let meant = codes.withUnsafeBytes { type.decode($0, count: wanted.count) }.map { $0 * scale }
                    let scale = withUnsafeBytes(of: scale) { Array($0) }
                    return (try place(codes), try place(scale), meant)
                case .none:
                    let codes = type.encode(wanted)
                    return (try place(codes), nil, codes.withUnsafeBytes { type.decode($0, count: wanted.count) })
                }
            }
            let (x, xScales, a) = try operand(shape.m, shape.x, 0.25)
            let (w, wScales, b) = try operand(shape.n, shape.w, 3)
            let y = try place([UInt8](repeating: 0xff, count: shape.m * shape.n * shape.y.bitWidth / 8))
            operands = GemmOperands(x: x, w: w, y: y, xScales: xScales, wScales: wScales)
            var (expected, magnitudes) = ([Double](), [Double]())
            for row in 0..<shape.m {
                for column in 0..<shape.n {
                    var (sum, magnitude) = (0.0, 0.0)
                    for l in 0..<shape.k {
                        let term = Double(a[row * shape.k + l]) * Double(b[column * shape.k + l])
                        sum += term
                        magnitude += abs(term)
                    }
                    expected.append(sum)
                    magnitudes.append(magnitude)
                }
            }
            (self.expected, self.magnitudes) = (expected, magnitudes)
            self.memory = memory
        }

        deinit { for memory in memory { try? group.backend.deallocate(device: device, memory) } }

        /// Empties y.
        func forget(_ stream: any DeviceStream) throws {
            let size = UInt64(shape.m * shape.n * shape.y.bitWidth / 8)
            try stream.fill(operands.y, value: 0xff, size: size)
        }

        /// The worst error in units of what rounding allows: above 1 is wrong.
        func error(_ stream: any DeviceStream) throws -> Double {
            let bytes = try stream.bytes(shape.m * shape.n * shape.y.bitWidth / 8, at: operands.y)
            let got = bytes.withUnsafeBytes { shape.y.decode($0, count: shape.m * shape.n) }
            let output = [ElementType.bf16: 0x1p-8, .f16: 0x1p-11][shape.y] ?? 0x1p-24
            var worst = 0.0
            for (index, value) in got.enumerated() {
                guard value.isFinite else { return .infinity }
                // Sums in any order, the scales, the rounding of the result.
                let room = Double(shape.k + 2) * 0x1p-24 * magnitudes[index] + output * abs(expected[index]) + 0x1p-24
                worst = max(worst, abs(Double(value) - expected[index]) / room)
            }
            return worst
        }
    }

    private func group(_ kind: DeviceKind, _ machine: String = "devices=2,protect=1") throws -> DeviceGroup {
        guard kind != .cpu else { return try .cpu(threads: 2, plugin: "Test") }
        FakeDriver.configure(machine)
        return try DeviceGroup(
            backend: FakeDriver.backend(kind),
            devices: [1],
            pool: ThreadPool(threads: 1),
            plugin: "Test"
        )
    }

    private func vendor(_ group: DeviceGroup) throws -> VendorGemm {
        let backend = try #require(group.backend as? GPUBackend)
        return try VendorGemm(runtime: backend.runtime, devices: group.devices, path: Self.path)
    }

    private static let shapes: [(DeviceKind, GemmShape)] = {
        var shapes: [(DeviceKind, GemmShape)] = []
        for kind in [DeviceKind.hip, .cuda] {
            for (x, y) in [(ElementType.f32, ElementType.f32), (.f16, .f16), (.bf16, .bf16), (.bf16, .f32)] {
                shapes.append((kind, GemmShape(m: 5, n: 9, k: 13, x: x, w: x, y: y)))
            }
            shapes.append((kind, GemmShape(m: 4, n: 6, k: 16, x: .f8e4m3, w: .f8e4m3, y: .bf16, scaling: .whole)))
            shapes.append((kind, GemmShape(m: 1, n: 6, k: 16, x: .f8e4m3, w: .f8e4m3, y: .f32)))
        }
        shapes.append((.hip, GemmShape(m: 4, n: 6, k: 16, x: .f8e4m3fnuz, w: .f8e4m3fnuz, y: .bf16, scaling: .whole)))
        shapes.append((.hip, GemmShape(m: 3, n: 5, k: 96, x: .f4e2m1, w: .f4e2m1, y: .bf16, scaling: .blocks)))
        return shapes
    }()

    @Test(arguments: GemmTests.shapes)
    func theVendorsProductIsTheProduct(kind: DeviceKind, shape: GemmShape) throws {
        let group = try group(kind)
        let gemm = try vendor(group)
        #expect(!gemm.isBatchInvariant && gemm.name == FakeDriver.path)
        let product = try Product(shape, group)
        let stream = try group.backend.makeStream(device: 1)
        try gemm.multiply(shape, product.operands, on: stream)
        #expect(try product.error(stream) <= 1, "\(kind): \(shape)")
    }

    @Test(arguments: [(ElementType.f32, ElementType.f32), (.f16, .f16), (.bf16, .f32)])
    func rocBLASServesWhereHipBLASLtIsAbsent(x: ElementType, y: ElementType) throws {
        let group = try group(.hip)
        let backend = try #require(group.backend as? GPUBackend)
        let gemm = try VendorGemm(runtime: backend.runtime, devices: group.devices) {
            $0 == PODIUM_ROCBLAS ? FakeDriver.path : "/nowhere/libhipblaslt.so"
        }
        let stream = try group.backend.makeStream(device: 1)
        let shape = GemmShape(m: 5, n: 9, k: 13, x: x, w: x, y: y)
        let product = try Product(shape, group)
        try gemm.multiply(shape, product.operands, on: stream)
        #expect(try product.error(stream) <= 1)
        let narrow = GemmShape(m: 4, n: 6, k: 16, x: .f8e4m3, w: .f8e4m3, y: .bf16)
        expect("hipBLASLt was not found") { () throws(DeviceError) in try gemm.prepare(narrow, on: stream) }
    }

    @Test(arguments: [ElementType.f32, .bf16, .f16, .f8e4m3])
    func ourKernelsMultiplyOnTheProcessor(w: ElementType) throws {
        let group = try group(.cpu)
        let gemm = try group.makeGemm(.automatic)
        #expect(gemm.isBatchInvariant && gemm.name == "podium_gemm")
        let shape = GemmShape(m: 19, n: 37, k: 130, x: .f32, w: w, y: .f32)
        let product = try Product(shape, group)
        let stream = try group.backend.makeStream(device: 0)
        try gemm.multiply(shape, product.operands, on: stream)
        #expect(try product.error(stream) <= 1)
        expect("podium_gemm takes x and y in F32") { () throws(DeviceError) in
            try gemm.prepare(GemmShape(m: 2, n: 3, k: 4, x: .bf16, w: .bf16, y: .bf16), on: stream)
        }
    }

    @Test(arguments: [DeviceKind.cpu, .hip, .cuda])
    func aPreparedProductIsRecordedAndReplayed(kind: DeviceKind) throws {
        let group = try group(kind)
        let gemm: any DeviceGemm = kind == .cpu ? try group.makeGemm(.automatic) : try vendor(group)
        let shape = GemmShape(m: 6, n: 7, k: 21, x: .f32, w: .f32, y: .f32)
        let product = try Product(shape, group)
        let stream = try group.backend.makeStream(device: group.devices[0])
        try stream.beginRecording()
        expect("call prepare before", MLP_INVALID_STATE) { () throws(DeviceError) in
            try gemm.multiply(shape, product.operands, on: stream)
        }
        _ = try stream.endRecording()
        try gemm.prepare(shape, on: stream)
        try stream.beginRecording()
        try gemm.multiply(shape, product.operands, on: stream)
        let recording = try stream.endRecording()
        #expect(try product.error(stream) == .infinity, "recording executes nothing")
        for _ in 0..<2 {
            try product.forget(stream)
            try stream.replay(recording)
            #expect(try product.error(stream) <= 1)
        }
    }

    @Test func whatTheLibraryRefusesIsSaid() throws {
        let group = try group(.hip)
        let gemm = try vendor(group)
        let stream = try group.backend.makeStream(device: 1)
        let odd = GemmShape(m: 2, n: 3, k: 7, x: .bf16, w: .bf16, y: .bf16)
        expect("hip:1: gemm of y[2,3] BF16 = x[2,7] BF16 * w[3,7]^T BF16") { () throws(DeviceError) in
            try gemm.prepare(odd, on: stream)
        }
        expect("has no algorithm for it") { () throws(DeviceError) in try gemm.prepare(odd, on: stream) }
        expect("is not asked for these types") { () throws(DeviceError) in
            try gemm.prepare(GemmShape(m: 2, n: 3, k: 8, x: .i8, w: .i8, y: .i32), on: stream)
        }
        let scaled = GemmShape(m: 2, n: 3, k: 8, x: .f8e4m3, w: .f8e4m3, y: .f32, scaling: .whole)
        let product = try Product(scaled, group)
        let bare = GemmOperands(x: product.operands.x, w: product.operands.w, y: product.operands.y)
        expect("x_scales or w_scales is NULL", MLP_INVALID_ARGUMENT) { () throws(DeviceError) in
            try gemm.multiply(scaled, bare, on: stream)
        }
        FakeDriver.configure("devices=2,protect=1,fail=gemm:1:6")
        expect("internal error (6)", MLP_DEVICE_ERROR) { () throws(DeviceError) in
            try gemm.multiply(scaled, product.operands, on: stream)
        }
        FakeDriver.configure("devices=2,protect=1,fail=heuristic:1:7")
        expect("chooses no algorithm: not supported") { () throws(DeviceError) in
            try gemm.prepare(GemmShape(m: 2, n: 3, k: 8, x: .f32, w: .f32, y: .f32), on: stream)
        }
        FakeDriver.configure("devices=2,protect=1,fail=allocate:1:2")
        expect("4096 bytes of workspace", MLP_OUT_OF_MEMORY) { () throws(DeviceError) in
            let other = try group.backend.makeStream(device: 1)
            try gemm.prepare(scaled, on: other)
        }
        FakeDriver.configure("devices=2,protect=1")
    }

    @Test func missingLibrariesAreNamed() throws {
        let group = try group(.hip)
        let backend = try #require(group.backend as? GPUBackend)
        let nowhere = { (interface: podium_blas_interface) -> String? in "/nowhere/\(interface.rawValue).so" }
        for name in ["/nowhere/1.so", "/nowhere/2.so"] {
            expect(name) { () throws(DeviceError) in
                _ = try VendorGemm(runtime: backend.runtime, devices: [0], path: nowhere)
            }
        }
        expect("no vendor's library multiplies here") { () throws(DeviceError) in
            _ = try self.cpuVendor()
        }
    }

    private func cpuVendor() throws(DeviceError) -> any DeviceGemm {
        try DeviceGroup.cpu(threads: 1, plugin: "Test").makeGemm(.vendor)
    }

    @Test func thePluginsTableSaysWhetherBatchesMatter() throws {
        let cpu = try group(.cpu)
        #expect(DeviceServices.gemm(of: cpu).pointee.batch_invariant == 1)
        setenv("PODIUM_HIPBLASLT_LIBRARY", FakeDriver.path, 1)
        let hip = try group(.hip)
        #expect(DeviceServices.gemm(of: hip).pointee.batch_invariant == 0)
        for group in [cpu, hip] {
            let instance = try Instance(group: group, kernels: Twins.table)
            let table = DeviceServices.gemm(of: group).pointee
            let stream = instance.stream()
            let product = try Product(GemmShape(m: 3, n: 4, k: 5, x: .f32, w: .f32, y: .f32), group)
            let float = Int32(MLP_F32)
            var shape = mlp_gemm_shape(m: 3, n: 4, k: 5, x_dtype: float, w_dtype: float, y_dtype: float, scaling: 0)
            var operands = mlp_gemm_operands(
                x: product.operands.x,
                w: product.operands.w,
                y: product.operands.y,
                x_scales: nil,
                w_scales: nil,
                reserved: 0
            )
            #expect(table.prepare(instance.table, stream, &shape) == MLP_OK)
            #expect(table.gemm(instance.table, stream, &shape, &operands) == MLP_OK)
            #expect(instance.device.synchronize(instance.table, stream) == MLP_OK)
            #expect(try product.error(group.backend.makeStream(device: group.devices[0])) <= 1)
            operands.y = nil
            #expect(table.gemm(instance.table, stream, &shape, &operands) == MLP_INVALID_ARGUMENT)
            shape.k = 0
            #expect(table.prepare(instance.table, stream, &shape) == MLP_INVALID_ARGUMENT)
            shape.k = 5
            shape.x_dtype = 99
            #expect(table.prepare(instance.table, stream, &shape) == MLP_INVALID_ARGUMENT)
            #expect(table.prepare(instance.table, nil, &shape) == MLP_INVALID_ARGUMENT)
        }
    }

    private func expect(
        _ words: String,
        _ status: Int = MLP_UNSUPPORTED,
        _ body: () throws(DeviceError) -> Void
    ) {
        do throws(DeviceError) {
            try body()
            Issue.record("\(words): nothing was thrown")
        } catch {
            #expect(error.message.contains(words) && error.status == mlp_status(status), "\(error.status): \(error)")
        }
    }
}
