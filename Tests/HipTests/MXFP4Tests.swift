import CPluginAPI
import HipShim
import Kernels
import PluginAPI
import Testing

/// MXFP4 products beyond the worked examples: tiles, tails along k, equal bits in any form and company, numbers that are
/// none, and the layout of gfx950.
@Suite struct MXFP4Tests {
    fileprivate static func backend(_ device: shim_device) -> podium_backend {
        let target = target(of: device)
        return podium_backend_of(target.kind, target.architecture)
    }

    /// A matrix as a checkpoint has it.
    fileprivate struct Matrix {
        let n, k: Int
        var codes, scales: [UInt8]

        init(n: Int, k: Int, _ random: inout SeededNumbers) {
            (self.n, self.k) = (n, k)
            codes = (0..<n * k / 2).map { _ in UInt8.random(in: 0...255, using: &random) }
            // So far apart that sums round, and their order shows.
            scales = (0..<n * k / 32).map { _ in UInt8.random(in: 100...150, using: &random) }
        }

        func value(_ i: Int, _ j: Int) -> Double {
            let code = codes[(i * k + j) / 2] >> (4 * UInt8(j % 2)) & 15
            return Double(shim_decode("e2m1", UInt32(code)) * shim_decode("e8m0", UInt32(scales[(i * k + j) / 32])))
        }

        func packed(_ backend: podium_backend, cuts: [Int] = [], filled byte: UInt8 = 0) -> DeviceBuffer {
            let buffer = DeviceBuffer(byteCount: podium_packed_mxfp4_size(backend, Int32(n), Int32(k)))
            buffer.base.initializeMemory(as: UInt8.self, repeating: byte, count: buffer.byteCount)
            let borders = [0] + cuts + [n]
            for (first, last) in zip(borders, borders.dropFirst()).reversed() {
                let codes = Array(codes[first * k / 2..<last * k / 2])
                let scales = Array(scales[first * k / 32..<last * k / 32])
                podium_pack_mxfp4(
                    backend,
                    buffer.base,
                    Int32(n),
                    Int32(k),
                    Int32(first),
                    Int32(last - first),
                    codes,
                    scales
                )
            }
            return buffer
        }

        static func packed(_ backend: podium_backend, gate: Self, up: Self) -> DeviceBuffer {
            let size = podium_packed_mxfp4_pair_size(backend, Int32(gate.n), Int32(gate.k))
            let buffer = DeviceBuffer(byteCount: size)
            buffer.base.initializeMemory(as: UInt8.self, repeating: 0xEE, count: size)
            podium_pack_mxfp4_pair(
                backend,
                buffer.base,
                Int32(gate.n),
                Int32(gate.k),
                gate.codes,
                gate.scales,
                up.codes,
                up.scales
            )
            return buffer
        }
    }

    /// Rows that a device has quantised.
    fileprivate struct Rows {
        let rows, maxRows, k: Int
        let codes, scales, offsets: DeviceBuffer
        let device: shim_device

        init(_ x: ArraySlice<Float>, k: Int, maxRows: Int, on device: shim_device) {
            (rows, self.maxRows, self.k, self.device) = (x.count / k, maxRows, k, device)
            let padded = Array(x) + [Float](repeating: .nan, count: maxRows * k - x.count)
            codes = DeviceBuffer([UInt8](repeating: 0xEE, count: maxRows * k))
            scales = DeviceBuffer([UInt8](repeating: 0xFF, count: maxRows * k / 32 * 4))
            offsets = DeviceBuffer([Int32](repeating: 7, count: maxRows * k / 32))
            let message = launch(
                "quantize_rows",
                on: device,
                podium_grid_quantize_rows(MXFP4Tests.backend(device), Int32(maxRows)),
                [
                    .int(Int(PODIUM_ACTIVATION_MXFP4.rawValue)), .buffer(codes), .buffer(scales), .buffer(offsets),
                    .buffer(DeviceBuffer(padded)), .buffer(DeviceBuffer([Int32(rows)])), .int(maxRows), .int(k),
                ]
            )
            #expect(message == nil)
        }

        /// What the rows stand for.
        var values: [Double] {
            let backend = MXFP4Tests.backend(device)
            let (codes, scales, floats) = (codes.bytes, scales.bytes, scales.array(Float.self))
            return (0..<rows * k).map { index in
                let (row, block, j) = (Int32(index / k), Int32(index % k / 32), index % 32)
                let place = podium_quantized_block(Int32(maxRows), Int32(k), row, block)
                let scale = podium_quantized_scale(backend, Int32(maxRows), Int32(k), row, block)
                guard backend == PODIUM_BACKEND_GFX950 else {
                    return Double(Int8(bitPattern: codes[place * 32 + j])) * Double(floats[scale])
                }
                let code = codes[place * 16 + j / 2] >> (4 * UInt8(j % 2)) & 15
                return Double(shim_decode("e2m1", UInt32(code)) * shim_decode("e8m0", UInt32(scales[scale])))
            }
        }
    }

    fileprivate static func product(
        _ rows: Rows,
        _ w: DeviceBuffer,
        n: Int,
        gated: Bool = false,
        on device: shim_device
    ) -> [Float] {
        let (maxRows, k) = (Int32(rows.maxRows), Int32(rows.k))
        let out = DeviceBuffer([Float](repeating: .nan, count: rows.maxRows * n))
        let backend = backend(device)
        let start: [Argument] = [.buffer(out), .buffer(rows.codes), .buffer(rows.scales), .buffer(rows.offsets)]
        let live = Argument.buffer(DeviceBuffer([Int32(rows.rows)]))
        let sizes: [Argument] = [live, .int(rows.maxRows), .int(n), .int(rows.k)]
        let message =
            gated
            ? launch(
                "gemm_mxfp4_silu_gate",
                on: device,
                podium_grid_gemm_mxfp4_silu_gate(backend, maxRows, Int32(n), k),
                start + [.buffer(w)] + sizes
            )
            : launch(
                "gemm_mxfp4",
                on: device,
                podium_grid_gemm_mxfp4(backend, maxRows, Int32(n), k),
                start + [.buffer(w), .null] + sizes + [.int(0)]
            )
        #expect(message == nil)
        return out.array(Float.self)
    }

    /// Against double, with tiles of rows and columns that are not full and a tail of k: `k` roundings of float32, which
    /// hold for a sum in any order.
    @Test(arguments: [(300, 150, 1568), (70, 37, 544), (33, 40, 4128), (5, 33, 96)], devices)
    func productsEqualTheDoubleReference(shape: (rows: Int, n: Int, k: Int), device: shim_device) {
        let (count, n, k) = shape
        var random = SeededNumbers(seed: UInt64(count))
        let x = random.floats(count * k, in: -3...3)
        let w = Matrix(n: n, k: k, &random)
        let rows = Rows(x[...], k: k, maxRows: count + 3, on: device)
        let got = Self.product(rows, w.packed(Self.backend(device)), n: n, on: device)
        let values = rows.values
        let weights = (0..<n * k).map { w.value($0 / k, $0 % k) }
        var worst = 0.0
        for row in 0..<count {
            for column in 0..<n {
                var (sum, size) = (0.0, 0.0)
                for i in 0..<k {
                    let term = values[row * k + i] * weights[column * k + i]
                    sum += term
                    size += abs(term)
                }
                let error = abs(Double(got[row * n + column]) - sum) / (Double(k) * 0x1p-24 * size)
                worst = max(worst, error.isNaN ? .infinity : error)
            }
        }
        #expect(worst <= 1, "worst error is \(worst) of the bound")
        #expect(got[(count * n)...].allSatisfy { $0.isNaN }, "rows beyond the live count")
    }

    /// A row alone, in a batch, in several passes, in a tile, and in the part of a tile that few rows leave.
    @Test(arguments: devices, [false, true])
    func rowsHaveTheSameBitsInAnyBatch(device: shim_device, gated: Bool) {
        let (count, n, k) = (device == SHIM_GFX950 ? 260 : 90, 40, 4704)
        var random = SeededNumbers(seed: 5)
        let x = random.floats(count * k, in: -3...3)
        let (gate, up) = (Matrix(n: n, k: k, &random), Matrix(n: n, k: k, &random))
        let backend = Self.backend(device)
        let w = gated ? Matrix.packed(backend, gate: gate, up: up) : gate.packed(backend)
        func bits(_ range: Range<Int>, maxRows: Int) -> [UInt32] {
            let rows = Rows(x[range.lowerBound * k..<range.upperBound * k], k: k, maxRows: maxRows, on: device)
            let y = Self.product(rows, w, n: n, gated: gated, on: device)
            return y[..<(range.count * n)].map(\.bitPattern)
        }
        let whole = bits(0..<count, maxRows: count)
        for (range, maxRows) in [(0..<1, 1), (79..<80, 16), (3..<20, 17), (60..<90, 200), (7..<80, 80)] {
            let same = bits(range, maxRows: maxRows).elementsEqual(whole[range.lowerBound * n..<range.upperBound * n])
            #expect(same, "rows \(range) of \(maxRows)")
        }
    }

    /// A NaN or an infinity shows in its row, a NaN scale of a weight in its column, and nowhere else.
    @Test(arguments: devices, [3, 260])
    func numbersThatAreNoneShow(device: shim_device, count: Int) {
        let (n, k) = (35, 160)
        var random = SeededNumbers(seed: 6)
        var x = random.floats(count * k)
        x[5] = .nan
        x[k + 159] = .infinity
        var w = Matrix(n: n, k: k, &random)
        w.scales[20 * (k / 32) + 4] = 255
        // The elements that the scale goes with are zeros.
        for byte in (20 * k + 128) / 2..<(21 * k) / 2 { w.codes[byte] = 0 }
        let rows = Rows(x[...], k: k, maxRows: count, on: device)
        let got = Self.product(rows, w.packed(Self.backend(device)), n: n, on: device)
        let wrong = got.indices.filter { got[$0].isNaN != ($0 / n < 2 || $0 % n == 20) }
        #expect(wrong.isEmpty, "\(wrong.prefix(4))")
    }

    /// Rows divided among calls make the same bytes, all of which are written.
    @Test(arguments: [(1, 32), (17, 96), (50, 544), (64, 1024)], [PODIUM_BACKEND_GPU, PODIUM_BACKEND_GFX950])
    func packingDoesNotDependOnItsCuts(shape: (n: Int, k: Int), backend: podium_backend) {
        var random = SeededNumbers(seed: 7)
        let w = Matrix(n: shape.n, k: shape.k, &random)
        let whole = w.packed(backend).bytes
        #expect(w.packed(backend, filled: 0xEE).bytes == whole)
        for cuts in [[1], [16], [3, 19], [15, 33]] where cuts.allSatisfy({ $0 < shape.n }) {
            #expect(w.packed(backend, cuts: cuts).bytes == whole, "\(cuts)")
        }
    }

    /// Element for element, as packed_gfx950.h says.
    @Test func theLayoutIsThatOfTheInstruction() {
        let (n, k) = (40, 672)
        var random = SeededNumbers(seed: 8)
        let w = Matrix(n: n, k: k, &random)
        let bytes = w.packed(PODIUM_BACKEND_GFX950).bytes
        // 21 blocks are six steps in two groups.
        let panel = 2 * 512 + 6 * 2048
        #expect(bytes.count == 2 * panel)
        let wrong = (0..<n * k / 32).filter { index in
            let (row, block) = (index / 21, index % 21)
            let (step, lane, tile) = (block / 4, 16 * (block % 4) + row % 16, row % 32 / 16)
            let group = row / 32 * panel + step / 4 * 8704
            let at = group + 512 + step % 4 * 2048 + tile * 1024 + lane * 16
            let scale = group + lane * 8 + tile * 4 + step % 4
            return bytes[scale] != w.scales[index]
                || Array(bytes[at..<at + 16]) != Array(w.codes[index * 16..<index * 16 + 16])
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(4))")
    }
}
