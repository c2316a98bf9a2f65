import CPluginAPI
import Testing

@testable import Core

@Suite struct LaunchTests {
    @Test func everyLetterArrives() throws {
        let instance = try Instance(threads: 2)
        let stream = instance.stream()
        let out = UnsafeMutablePointer<Double>.allocate(capacity: 60)
        out.initialize(repeating: -1, count: 60)
        let pointed = UnsafeMutablePointer<Double>.allocate(capacity: 1)
        pointed.initialize(to: 0.125)
        defer {
            out.deallocate()
            pointed.deallocate()
        }
        let values: [any Argument] = [
            out, Int32.min, Int64.min + 1024, Float(-1.5), 6.25, Int32(7), Float(1e-3), Int64(1) << 52, -1e300, pointed,
        ]
        #expect(instance.launch(stream, Twins.lettersIndex, blocks: (3, 2, 1), shared: 77, values) == MLP_OK)
        let expected = [
            Double(Int32.min), Double(Int64.min + 1024), -1.5, 6.25, 7, Double(Float(1e-3)), Double(Int64(1) << 52),
            -1e300, 0.125, 77,
        ]
        for block in 0..<6 { #expect((0..<10).map { out[block * 10 + $0] } == expected, "block \(block)") }
    }

    @Test(arguments: [1, 2, 3, 8])
    func aGridIsCoveredOnce(threads: Int) throws {
        let instance = try Instance(threads: threads)
        let stream = instance.stream()
        let shapes: [(UInt32, UInt32, UInt32)] = [
            (1, 1, 1), (2, 1, 1), (7, 1, 1), (8, 3, 2), (1, 1, 9), (1000, 1, 1), (33, 5, 7),
        ]
        for (x, y, z) in shapes {
            let count = Int(x * y * z)
            let out = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
            out.initialize(repeating: 0, count: count)
            defer { out.deallocate() }
            #expect(instance.launch(stream, Twins.patternIndex, blocks: (x, y, z), [out, Int64(5)]) == MLP_OK)
            #expect((0..<count).allSatisfy { out[$0] == UInt64($0) * 5 + 1 })
        }
    }

    @Test func theThreadCountDoesNotChangeBits() throws {
        let (rows, columns) = (257, 129)
        var generator = Seeded(state: 42)
        let matrix = (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) }
        let x = (0..<columns).map { _ in Float.random(in: -1...1, using: &generator) }
        var results: [[UInt32]] = []
        for threads in [1, 2, 3, 5, 16] {
            let instance = try Instance(threads: threads)
            var y = [Float](repeating: .nan, count: rows)
            try matrix.withUnsafeBufferPointer { matrix in
                try x.withUnsafeBufferPointer { x in
                    try y.withUnsafeMutableBufferPointer { y in
                        let values: [any Argument] = [
                            try #require(matrix.baseAddress), try #require(x.baseAddress),
                            try #require(y.baseAddress), Int32(columns),
                        ]
                        let status = instance.launch(
                            instance.stream(),
                            Twins.matvecIndex,
                            blocks: (UInt32(rows), 1, 1),
                            values
                        )
                        #expect(status == MLP_OK)
                    }
                }
            }
            // Against a reference in double precision.
            for row in 0..<rows {
                let wanted = (0..<columns).reduce(0.0) { $0 + Double(matrix[row * columns + $1]) * Double(x[$1]) }
                #expect(abs(Double(y[row]) - wanted) < 1e-4)
            }
            results.append(y.map(\.bitPattern))
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func misuseIsAnError() throws {
        let instance = try Instance(threads: 2)
        let stream = instance.stream()
        let out = UnsafeMutablePointer<UInt64>.allocate(capacity: 4)
        out.initialize(repeating: 7, count: 4)
        defer { out.deallocate() }
        func expect(_ status: mlp_status, _ wanted: Int, _ words: String, line: Int = #line) {
            #expect(Int(status) == wanted, "line \(line)")
            let message = instance.context.lastFailure ?? ""
            #expect(message.contains(words), "line \(line): \(message)")
        }
        expect(instance.launch(stream, 99, blocks: (1, 1, 1), []), MLP_INVALID_ARGUMENT, "kernel 99")
        expect(instance.launch(stream, Twins.patternIndex, blocks: (1, 1, 1), [out]), MLP_INVALID_ARGUMENT, "\"pl\"")
        expect(instance.launch(stream, Twins.twinlessIndex, blocks: (1, 1, 1), [out]), MLP_UNSUPPORTED, "gpu_only")
        let huge = (UInt32.max, UInt32.max, UInt32.max)
        expect(instance.launch(stream, Twins.emptyIndex, blocks: huge, []), MLP_INVALID_ARGUMENT, "too large")
        expect(instance.launch(nil, Twins.emptyIndex, blocks: (1, 1, 1), []), MLP_INVALID_ARGUMENT, "stream")
        let garbage = OpaquePointer(bitPattern: 0xDEAD_BEE8)
        expect(instance.launch(garbage, Twins.emptyIndex, blocks: (1, 1, 1), []), MLP_INVALID_ARGUMENT, "stream")
        var grid = mlp_grid(blocks: (1, 1, 1), threads: (1, 1, 1), shared_bytes: 0)
        expect(
            instance.launcher.launch(instance.table, stream, Twins.patternIndex, &grid, nil, 2),
            MLP_INVALID_ARGUMENT,
            "args is NULL"
        )
        expect(
            instance.launcher.launch(instance.table, stream, Twins.patternIndex, &grid, [nil, nil], 2),
            MLP_INVALID_ARGUMENT,
            "args[0]"
        )
        expect(
            instance.launcher.launch(instance.table, stream, Twins.emptyIndex, nil, nil, 0),
            MLP_INVALID_ARGUMENT,
            "grid"
        )
        for blocks in [(0, 1, 1), (1, 0, 1), (.max, .max, 0)] as [(UInt32, UInt32, UInt32)] {
            #expect(instance.launch(stream, Twins.patternIndex, blocks: blocks, [out, Int64(1)]) == MLP_OK)
        }
        #expect((0..<4).allSatisfy { out[$0] == 7 })
        #expect(instance.launcher.launch(nil, stream, 0, &grid, nil, 0) == MLP_INVALID_ARGUMENT)
    }

    @Test func kernelsAreThereFromTheirRegistrationOn() throws {
        let group = try DeviceGroup.cpu(threads: 1, plugin: "Test")
        let context = ServiceContext(deviceGroup: group)
        var host = mlp_host(
            struct_size: 0,
            abi_minor: 0,
            impl: Unmanaged.passUnretained(context).toOpaque(),
            name: nil,
            version: nil,
            service: nil,
            log: nil,
            fail: nil
        )
        var stream: OpaquePointer?
        var grid = mlp_grid(blocks: (1, 1, 1), threads: (1, 1, 1), shared_bytes: 0)
        #expect(DeviceServices.device.pointee.stream_create(&host, 0, &stream) == MLP_OK)
        #expect(DeviceServices.launch.pointee.launch(&host, stream, 4, &grid, nil, 0) == MLP_INVALID_STATE)
        try group.registerKernels(Twins.table)
        #expect(DeviceServices.launch.pointee.launch(&host, stream, 4, &grid, nil, 0) == MLP_OK)
        #expect(throws: DeviceError.self) { try group.registerKernels(Twins.table) }
        context.deviceGroup = nil
        #expect(DeviceServices.launch.pointee.launch(&host, stream, 4, &grid, nil, 0) == MLP_UNSUPPORTED)
        withExtendedLifetime(context) {}
    }

    @Test func badDeclarationsAreRefused() throws {
        let twin = Twins.declared[4].2
        let many = String(repeating: "p", count: 65)
        let cases: [([(String?, String?, (@convention(c) () -> Void)?)], UInt32, String)] = [
            ([(nil, "p", twin)], 0, "no name"), ([("", "p", twin)], 0, "no name"), ([("a", nil, twin)], 0, "signature"),
            ([("a", "px", twin)], 0, "letter 1"), ([("a", many, twin)], 0, "65 arguments"),
            ([("a", "", twin), ("a", "", twin)], 0, "twice"), ([("a", "", twin)], 1, "family 1"),
        ]
        for (kernels, family, words) in cases {
            let group = try DeviceGroup.cpu(threads: 1, plugin: "Test")
            let error = #expect(throws: DeviceError.self) {
                try group.registerKernels(Twins.makeTable(kernels, family: family))
            }
            #expect(error?.status == mlp_status(MLP_INVALID_ARGUMENT))
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        var table = mlp_kernels()
        table.kernel_count = 3
        #expect(throws: DeviceError.self) { try DeviceGroup.cpu(threads: 1, plugin: "T").registerKernels(&table) }
    }
}

/// SplitMix64, so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
