import CPluginAPI
import HipShim
import Kernels
import Testing

/// Products beyond the worked examples: tiles, and the same bits in either form.
@Suite struct ProductTests {
    /// Weights of a type, and the numbers that they really are.
    private static func weights(
        _ count: Int,
        _ type: podium_dtype,
        _ random: inout SeededNumbers
    ) -> (DeviceBuffer, [Float]) {
        let wanted = random.floats(count)
        switch type {
        case PODIUM_BF16:
            let codes = wanted.map { UInt16(shim_encode("bf16", $0)) }
            return (DeviceBuffer(codes), codes.map { shim_decode("bf16", UInt32($0)) })
        case PODIUM_F8E4M3:
            let codes = wanted.map { UInt8(shim_encode("e4m3", $0 * 100)) }
            return (DeviceBuffer(codes), codes.map { shim_decode("e4m3", UInt32($0)) })
        case PODIUM_F16:
            let codes = wanted.map { Float16($0) }
            return (DeviceBuffer(codes.map(\.bitPattern)), codes.map { Float($0) })
        default: return (DeviceBuffer(wanted), wanted)
        }
    }

    fileprivate struct Case {
        let type: podium_dtype
        let n, k: Int
        let x: [Float]
        let w: DeviceBuffer
        let values: [Float]

        init(_ type: podium_dtype, rows: Int, n: Int, k: Int) {
            var random = SeededNumbers(seed: UInt64(n * 1000 + k))
            self.type = type
            self.n = n
            self.k = k
            x = random.floats(rows * k, in: -3...3)
            (w, values) = ProductTests.weights(n * k, type, &random)
        }

        /// The product of some rows, in a grid for `maxRows`; rows that are not written are NaN.
        func run(_ rows: Range<Int>, maxRows: Int, on device: shim_device) -> [Float] {
            var padded = Array(x[rows.lowerBound * k..<rows.upperBound * k])
            padded += [Float](repeating: .nan, count: (maxRows - rows.count) * k)
            let out = DeviceBuffer([Float](repeating: .nan, count: maxRows * n))
            let message = launch(
                "gemm",
                on: device,
                podium_grid_gemm(PODIUM_BACKEND_GPU, Int32(maxRows), Int32(n), Int32(k)),
                [
                    .int(Int(type.rawValue)), .buffer(out), .buffer(DeviceBuffer(padded)), .buffer(w), .null, .null,
                    .int(0), .buffer(DeviceBuffer([Int32(rows.count)])), .int(maxRows), .int(n), .int(k), .int(0),
                ]
            )
            #expect(message == nil)
            return out.array(Float.self)
        }
    }

    /// Against double: `k` roundings of float32, which hold for a sum in any order.
    @Test(arguments: [PODIUM_BF16, PODIUM_F8E4M3], devices)
    func tilesEqualTheDoubleReference(type: podium_dtype, device: shim_device) {
        let (rows, n, k) = (131, 150, 336)
        let product = Case(type, rows: rows, n: n, k: k)
        let got = product.run(0..<rows, maxRows: 140, on: device)
        var worst = 0.0
        for row in 0..<rows {
            for column in 0..<n {
                var (sum, size) = (0.0, 0.0)
                for i in 0..<k {
                    let term = Double(product.x[row * k + i]) * Double(product.values[column * k + i])
                    sum += term
                    size += abs(term)
                }
                let error = abs(Double(got[row * n + column]) - sum) / (Double(k) * 0x1p-24 * size)
                worst = max(worst, error.isNaN ? .infinity : error)
            }
        }
        #expect(worst <= 1, "worst error is \(worst) of the bound")
        #expect(got[(rows * n)...].allSatisfy { $0.isNaN }, "rows beyond the live count")
    }

    /// A row alone, in a batch, in a tile, and in the part of a tile that few rows leave.
    @Test(arguments: [PODIUM_F32, PODIUM_BF16, PODIUM_F16, PODIUM_F8E4M3], devices)
    func rowsHaveTheSameBitsInAnyBatch(type: podium_dtype, device: shim_device) {
        let (rows, n, k) = (80, 40, 1040)
        let product = Case(type, rows: rows, n: n, k: k)
        let whole = product.run(0..<rows, maxRows: rows, on: device).map(\.bitPattern)
        for (range, maxRows) in [(0..<1, 1), (79..<80, 16), (3..<20, 17), (60..<65, 200)] {
            let part = product.run(range, maxRows: maxRows, on: device).map(\.bitPattern)
            let same = part[..<(range.count * n)].elementsEqual(whole[range.lowerBound * n..<range.upperBound * n])
            #expect(same, "rows \(range) of \(maxRows)")
        }
    }

    /// Infinity and NaN in a row show in it and nowhere else.
    @Test(arguments: devices)
    func nonFiniteRowsShow(device: shim_device) {
        let (n, k) = (33, 64)
        var product = Case(PODIUM_BF16, rows: 3, n: n, k: k)
        var x = product.x
        x[5] = .nan
        x[k + 7] = .infinity
        product = Case(product, x: x)
        let got = product.run(0..<3, maxRows: 3, on: device)
        #expect(got[..<n].allSatisfy { $0.isNaN })
        #expect(got[n..<2 * n].allSatisfy { !$0.isFinite })
        #expect(got[(2 * n)...].allSatisfy { $0.isFinite })
    }
}

extension ProductTests.Case {
    fileprivate init(_ other: Self, x: [Float]) {
        self.x = x
        (type, n, k, w, values) = (other.type, other.n, other.k, other.w, other.values)
    }
}
