import Dispatch
import Numerics
import Testing

@testable import Quantization

@Suite struct GPTQTests {
    /// Weights, activations and what numpy makes of them; see Fixtures/make_fixtures.py.
    struct Fixture {
        let file: SafetensorsFile
        let weights: [Float]
        let activations: [Float]
        let rows: Int
        let columns: Int

        init() throws {
            file = try SafetensorsFile(path: Folder.fixtures + "/gptq.safetensors")
            let tensor = try file.tensor(named: "weights")
            weights = try tensor.floats()
            activations = try file.tensor(named: "activations").floats()
            (rows, columns) = (tensor.shape[0], tensor.shape[1])
        }

        func hessian() throws -> Hessian {
            let hessian = Hessian(size: columns)
            try activations.withUnsafeBufferPointer { values throws(QuantizationError) in try hessian.add(values) }
            return hessian
        }

        func quantize(
            _ scheme: TensorScheme,
            _ gptq: GPTQ = GPTQ(),
            scaleType: ElementType = .bf16,
            parallel: ParallelFor = inSequence
        ) throws -> QuantizedTensor {
            let hessian = try hessian()
            return try weights.withUnsafeBufferPointer { values throws(QuantizationError) in
                try gptq.quantize(
                    values,
                    rows: rows,
                    columns: columns,
                    scheme: scheme,
                    hessian: hessian,
                    scaleType: scaleType,
                    parallel: parallel
                )
            }
        }

        /// The square of the difference that other weights make to the layer's outputs.
        func outputError(_ other: [Float]) -> Double {
            var sum = 0.0
            for token in 0..<activations.count / columns {
                for row in 0..<rows {
                    var difference = 0.0
                    for column in 0..<columns {
                        let index = row * columns + column
                        difference +=
                            Double(other[index] - weights[index]) * Double(activations[token * columns + column])
                    }
                    sum += difference * difference
                }
            }
            return sum
        }
    }

    static let schemes: [(name: String, scheme: TensorScheme)] = [
        ("mxfp4", .mxfp4()), ("fp8", .fp8PerTensor),
        ("fp8_block", TensorScheme(element: .f8e4m3, granularity: .perBlock(rows: 32, columns: 48))),
    ]

    /// Code for code what the paper's equations give in numpy, by another way.
    @Test(arguments: schemes.indices)
    func codesOfNumpy(_ index: Int) throws {
        let (name, scheme) = Self.schemes[index]
        let fixture = try Fixture()
        let result = try fixture.quantize(scheme)
        let codes = try fixture.file.tensor(named: name + ".codes").withBytes { Array($0) }
        #expect(result.codes.count == codes.count)
        let wrong = zip(result.codes, codes).count(where: !=)
        #expect(wrong == 0, "\(name): \(wrong) of \(codes.count) bytes")
        let scales = try fixture.file.tensor(named: name + ".scales")
        if name == "mxfp4" {
            #expect(result.scales == scales.withBytes { Array($0) })
        } else {
            let stored = result.scales.withUnsafeBytes { ElementType.bf16.decode($0, count: scales.count) }
            #expect(try stored == scales.floats())
        }
    }

    /// What GPTQ is for: on activations that have much in common, the layer's outputs change less.
    @Test(arguments: schemes.indices)
    func outputsChangeLessThanByRounding(_ index: Int) throws {
        let (name, scheme) = Self.schemes[index]
        let fixture = try Fixture()
        let plain = try fixture.weights.withUnsafeBufferPointer { values throws(QuantizationError) in
            try scheme.quantize(values, rows: fixture.rows, columns: fixture.columns)
        }
        let rounding = fixture.outputError(plain.dequantized())
        let corrected = fixture.outputError(try fixture.quantize(scheme).dequantized())
        #expect(corrected < 0.5 * rounding, "\(name)")
        print("gptq \(name): output error \(corrected / rounding) of round-to-nearest's")
    }

    /// Blocks of columns and threads decide speed, not bits.
    @Test func blocksAndThreadsChangeNothing() throws {
        let fixture = try Fixture()
        for (name, scheme) in Self.schemes {
            let expected = try fixture.quantize(scheme)
            #expect(try fixture.quantize(scheme, GPTQ(blockSize: 64)) == expected, "\(name)")
            let threaded = try fixture.quantize(scheme) { count, body in
                withoutActuallyEscaping(body) { body in
                    DispatchQueue.concurrentPerform(iterations: count, execute: body)
                }
            }
            #expect(threaded == expected, "\(name)")
        }
    }

    /// Uᵀ U times the damped matrix is the identity, for sizes around the block size.
    @Test(arguments: [1, 5, 31, 95, 96, 97, 200, 300])
    func inverseFactors(_ size: Int) throws {
        let tokens = size + 10
        let activations = (0..<tokens * size).map { _ in Float.random(in: -1...1) }
        var product = [Double](repeating: 0, count: size * size)
        for token in 0..<tokens {
            for i in 0..<size {
                for j in 0..<size {
                    product[i * size + j] +=
                        2 / Double(tokens) * Double(activations[token * size + i])
                        * Double(activations[token * size + j])
                }
            }
        }
        let mean = (0..<size).reduce(0.0) { $0 + product[$1 * (size + 1)] } / Double(size)
        for i in 0..<size { product[i * (size + 1)] += 0.01 * mean }
        let hessian = Hessian(size: size)
        // In uneven pieces: how tokens are cut changes nothing.
        let cut = tokens / 3 * size
        try activations[..<cut].withUnsafeBufferPointer { part throws(QuantizationError) in try hessian.add(part) }
        try activations[cut...].withUnsafeBufferPointer { part throws(QuantizationError) in try hessian.add(part) }
        let (factor, dead) = try hessian.inverseFactor(damping: 0.01, parallel: inSequence)
        #expect(dead.isEmpty && hessian.tokens == tokens)
        var worst = 0.0
        for i in 0..<size {
            // Row i of Uᵀ U H.
            var row = [Double](repeating: 0, count: size)
            for k in 0...i {
                for j in k..<size { row[j] += factor[k * size + i] * factor[k * size + j] }
            }
            for j in 0..<size {
                let value = (0..<size).reduce(0.0) { $0 + row[$1] * product[$1 * size + j] }
                worst = max(worst, (value - (i == j ? 1 : 0)).magnitude)
            }
        }
        #expect(worst < 1e-9, "size \(size): \(worst)")
        withExtendedLifetime(hessian) {}
    }

    /// Weights so large that the corrections leave float32: an error, whatever the scheme and the order.
    @Test(arguments: schemes.indices, GPTQ.Order.allCases)
    func correctionsBeyondFloat32(_ index: Int, _ order: GPTQ.Order) throws {
        let columns = 96
        let hessian = Hessian(size: columns)
        let ones = [Float](repeating: 1, count: columns)
        try ones.withUnsafeBufferPointer { part throws(QuantizationError) in try hessian.add(part) }
        // The error of a column goes to all others, and the last one gets most of it.
        let weights = (0..<32 * columns).map { Float.greatestFiniteMagnitude * ($0 % columns == 95 ? 1 : 0.94) }
        let error = #expect(throws: QuantizationError.self) {
            try weights.withUnsafeBufferPointer { values throws(QuantizationError) in
                try GPTQ(damping: 0.0001, order: order).quantize(
                    values,
                    rows: 32,
                    columns: columns,
                    scheme: Self.schemes[index].scheme,
                    hessian: hessian,
                    name: "w"
                )
            }
        }
        #expect(error?.description.contains("tensor w: GPTQ's corrections left the range") == true, "\(error as Any)")
    }

    @Test func badInput() throws {
        let weights = [Float](repeating: 1, count: 2 * 32)
        func attempt(_ values: [Float], _ hessian: Hessian, _ gptq: GPTQ = GPTQ()) -> String {
            do throws(QuantizationError) {
                _ = try values.withUnsafeBufferPointer { values throws(QuantizationError) in
                    try gptq.quantize(values, rows: 2, columns: 32, scheme: .mxfp4(), hessian: hessian, name: "w")
                }
                return "no error"
            } catch {
                return error.description
            }
        }
        func filled(_ size: Int = 32) throws -> Hessian {
            let hessian = Hessian(size: size)
            let ones = [Float](repeating: 1, count: size)
            try ones.withUnsafeBufferPointer { part throws(QuantizationError) in try hessian.add(part) }
            return hessian
        }
        #expect(attempt(weights, Hessian(size: 32)).contains("tensor w: GPTQ needs activations"))
        #expect(try attempt(weights, filled(64)).contains("has 32 columns, but the activations have 64 values"))
        #expect(try attempt(weights, filled(), GPTQ(damping: 0)).contains("not positive definite: raise the damping"))
        #expect(try attempt(weights, filled(), GPTQ(blockSize: 40)).contains("no multiple of 32"))
        #expect(try attempt(weights, filled(), GPTQ(damping: -1)).contains("is not a share"))
        var broken = weights
        broken[33] = .nan
        #expect(try attempt(broken, filled()).contains("row 1, column 1 is nan"))
        let infinite = [Float](repeating: .infinity, count: 32)
        #expect(throws: QuantizationError.self) {
            try infinite.withUnsafeBufferPointer { part throws(QuantizationError) in try Hessian(size: 32).add(part) }
        }
    }
}
