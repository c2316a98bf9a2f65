import CPluginAPI
import HipShim
import Kernels
import Testing

/// Products of E4M3 codes beyond the worked examples: tiles, the same bits in every form, NaN.
@Suite struct FP8ProductTests {
    private struct Case {
        let n, k: Int
        let isGated: Bool
        var x: [Float]
        var w: [UInt8]
        let up: [UInt8]
        let xScale: Float = 0.02
        let scales: [Float]

        init(rows: Int, n: Int, k: Int, isGated: Bool = false) {
            var random = SeededNumbers(seed: UInt64(n * 1000 + k))
            (self.n, self.k, self.isGated) = (n, k, isGated)
            x = random.floats(rows * k, in: -9...9).enumerated().map { $0.offset % 7 == 0 ? -0.0 : $0.element }
            func codes(_ random: inout SeededNumbers) -> [UInt8] {
                (0..<n * k).map { _ in
                    let code = UInt8(truncatingIfNeeded: random.next())
                    return code & 0x7F == 0x7F ? 0x80 : code & 0xBF
                }
            }
            w = codes(&random)
            up = codes(&random)
            scales = random.floats(n, in: 0.01...0.02)
        }

        /// The codes of some rows as the device makes them; the buffer ends with them, so that a product that reads on
        /// faults.
        func codes(_ rows: Range<Int>, on device: shim_device) -> DeviceBuffer {
            let out = DeviceBuffer([UInt8](repeating: 0x7F, count: rows.count * k))
            let message = launch(
                "quantize_fp8",
                on: device,
                podium_grid_quantize_fp8(PODIUM_BACKEND_GPU, Int32(rows.count)),
                [
                    .buffer(out), .buffer(DeviceBuffer(Array(x[rows.lowerBound * k..<rows.upperBound * k]))),
                    .float(xScale), .buffer(DeviceBuffer([Int32(rows.count)])), .int(rows.count), .int(k),
                ]
            )
            #expect(message == nil)
            return out
        }

        /// The product of some rows, in a grid for `maxRows`; rows that are not written are NaN.
        func run(_ rows: Range<Int>, maxRows: Int, on device: shim_device) -> [Float] {
            let out = DeviceBuffer([Float](repeating: .nan, count: maxRows * n))
            let input: [Argument] = [.buffer(out), .buffer(codes(rows, on: device)), .float(xScale)]
            let live = Argument.buffer(DeviceBuffer([Int32(rows.count)]))
            let factors = Argument.buffer(DeviceBuffer(scales))
            let sizes: [Argument] = [live, .int(maxRows), .int(n), .int(k)]
            let (high, columns, depth) = (Int32(maxRows), Int32(n), Int32(k))
            let message =
                isGated
                ? launch(
                    "gemm_fp8_silu_gate",
                    on: device,
                    podium_grid_gemm_fp8_silu_gate(PODIUM_BACKEND_GPU, high, columns, depth),
                    input + [.buffer(DeviceBuffer(w)), .buffer(DeviceBuffer(up)), factors, factors] + sizes
                )
                : launch(
                    "gemm_fp8",
                    on: device,
                    podium_grid_gemm_fp8(PODIUM_BACKEND_GPU, high, columns, depth),
                    input + [.buffer(DeviceBuffer(w)), factors, .null, .int(0)] + sizes + [.int(0)]
                )
            #expect(message == nil)
            return out.array(Float.self)
        }
    }

    /// Against double, through the path that it replaces: x rounded to FP8, then multiplied as numbers.
    @Test(arguments: devices)
    func tilesEqualRoundedActivationsInDouble(device: shim_device) {
        let (rows, n, k) = (131, 150, 336)
        let product = Case(rows: rows, n: n, k: k)
        let rounded = DeviceBuffer(byteCount: rows * k * 4)
        launchTwin(
            "round_to_fp8",
            podium_grid_round_to_fp8(PODIUM_BACKEND_CPU, Int32(rows)),
            [
                .buffer(rounded), .buffer(DeviceBuffer(product.x)), .float(product.xScale),
                .buffer(DeviceBuffer([Int32(rows)])), .int(rows), .int(k),
            ]
        )
        let x = rounded.array(Float.self)
        let values = product.w.map { shim_decode("e4m3", UInt32($0)) }
        let got = product.run(0..<rows, maxRows: 140, on: device)
        var worst = 0.0
        for row in 0..<rows {
            for column in 0..<n {
                var (sum, size) = (0.0, 0.0)
                for i in 0..<k {
                    let term = Double(x[row * k + i]) * Double(values[column * k + i])
                    sum += term
                    size += abs(term)
                }
                let scale = Double(product.scales[column])
                // The sum, the rounding of each x, the scales.
                let allowed = Double(k + 4) * 0x1p-24 * size * scale
                let error = abs(Double(got[row * n + column]) - sum * scale) / allowed
                worst = max(worst, error.isNaN ? .infinity : error)
            }
        }
        #expect(worst <= 1, "worst error is \(worst) of the bound")
        #expect(got[(rows * n)...].allSatisfy { $0.isNaN }, "rows beyond the live count")
    }

    /// A row alone, in batches of every height that has a form of its own, in tiles, and at the end of a tile.
    @Test(arguments: [false, true], devices)
    func rowsHaveTheSameBitsInAnyBatch(isGated: Bool, device: shim_device) {
        let (rows, n, k) = (131, 37, 1104)
        let product = Case(rows: rows, n: n, k: k, isGated: isGated)
        let whole = product.run(0..<rows, maxRows: rows, on: device).map(\.bitPattern)
        #expect(whole.allSatisfy { !Float(bitPattern: $0).isNaN })
        for (range, maxRows) in [(0..<1, 1), (129..<131, 16), (3..<20, 17), (60..<110, 64), (20..<110, 128)] {
            let part = product.run(range, maxRows: maxRows, on: device).map(\.bitPattern)
            let same = part[..<(range.count * n)].elementsEqual(whole[range.lowerBound * n..<range.upperBound * n])
            #expect(same, "rows \(range) of \(maxRows)")
        }
    }

    /// The larger tiles, which take a grid of 256 blocks, all but the first of them beyond the live rows, against rows
    /// alone.
    @Test(arguments: [false, true], [SHIM_GFX942, SHIM_GFX950])
    func largeTilesHaveTheSameBits(isGated: Bool, device: shim_device) {
        let (rows, n, k) = (201, 60, 1104)
        let product = Case(rows: rows, n: n, k: k, isGated: isGated)
        let whole = product.run(0..<rows, maxRows: 255 * 256 + 1, on: device).map(\.bitPattern)
        for row in [0, 200] {
            let alone = product.run(row..<row + 1, maxRows: 1, on: device).map(\.bitPattern)
            #expect(alone.elementsEqual(whole[row * n..<(row + 1) * n]), "row \(row)")
        }
    }

    /// NaN in a row shows in it, NaN in a weight in its column, and nowhere else, in every form.
    @Test(arguments: [(5, 5), (40, 64), (131, 131)], devices)
    func nanShows(rows: (live: Int, max: Int), device: shim_device) {
        let (n, k) = (33, 272)
        var product = Case(rows: rows.live, n: n, k: k)
        product.x[3 * k + 7] = .nan
        product.w[0 * k + 271] = 0x7F
        product.w[20 * k + 16] = 0xFF
        let got = product.run(0..<rows.live, maxRows: rows.max, on: device)
        let wrong = (0..<rows.live * n).filter { got[$0].isNaN != ($0 / n == 3 || $0 % n == 0 || $0 % n == 20) }
        #expect(wrong.isEmpty, "\(wrong.prefix(4))")
    }
}
