import CPluginAPI
import Glibc
import HipShim
import Kernels
import Testing

/// Attention beyond the worked examples: sequences that go round all shares, and the same bits in any company.
@Suite struct AttentionTests {
    /// One sequence in a bfloat16 cache whose pages lie in reverse order; the page before it is NaN.
    private final class Sequence {
        let length, headDim, pageSize: Int
        let keys, values: [Float]
        let kPages, vPages, table: DeviceBuffer
        static let kvHeads = 2

        init(length: Int, headDim: Int, pageSize: Int) {
            var random = SeededNumbers(seed: UInt64(length + headDim))
            let heads = Self.kvHeads
            (self.length, self.headDim, self.pageSize) = (length, headDim, pageSize)
            func rounded(_ values: [Float]) -> [Float] { values.map { shim_decode("bf16", shim_encode("bf16", $0)) } }
            keys = rounded(random.floats(length * heads * headDim))
            values = rounded(random.floats(length * heads * headDim))
            let pages = (length + pageSize - 1) / pageSize
            var k = [UInt16](repeating: 0x7FC0, count: (pages + 1) * heads * pageSize * headDim)
            var v = k
            for position in 0..<length {
                let page = pages - position / pageSize
                for head in 0..<heads {
                    for i in 0..<headDim {
                        let to = ((page * heads + head) * pageSize + position % pageSize) * headDim + i
                        k[to] = UInt16(shim_encode("bf16", keys[(position * heads + head) * headDim + i]))
                        v[to] = UInt16(shim_encode("bf16", values[(position * heads + head) * headDim + i]))
                    }
                }
            }
            kPages = DeviceBuffer(k)
            vPages = DeviceBuffer(v)
            table = DeviceBuffer((0..<pages).map { Int32(pages - $0) })
        }

        func run(_ positions: [Int], q: [Float], heads: Int, maxRows: Int, on device: shim_device) -> [Float] {
            let width = heads * headDim
            let out = DeviceBuffer([Float](repeating: .nan, count: maxRows * width))
            let padded = q + [Float](repeating: .nan, count: maxRows * width - q.count)
            let unused = [Int32](repeating: 0, count: maxRows - positions.count)
            let row = DeviceBuffer(positions.map(Int32.init) + unused)
            let live = DeviceBuffer([Int32(positions.count)])
            let (backend, rows, maxPages) = (PODIUM_BACKEND_GPU, Int32(maxRows), Int32(table.byteCount / 4))
            let (heads32, kvHeads, width32, page) = (Int32(heads), Int32(Self.kvHeads), Int32(headDim), Int32(pageSize))
            let workspace = DeviceBuffer(
                byteCount: max(
                    16,
                    podium_attention_workspace_size(backend, rows, heads32, kvHeads, width32, page, maxPages)
                )
            )
            var message = launch(
                "paged_attention",
                on: device,
                podium_grid_paged_attention(backend, rows, heads32, kvHeads, page, maxPages),
                [
                    .int(Int(PODIUM_BF16.rawValue)), .buffer(out), .buffer(DeviceBuffer(padded)), .int(0),
                    .buffer(kPages), .buffer(vPages), .float(1), .float(1), .buffer(table),
                    .buffer(DeviceBuffer([Int32](repeating: 0, count: maxRows))), .buffer(row), .buffer(live),
                    .int(maxRows), .int(heads), .int(Self.kvHeads), .int(headDim), .int(pageSize),
                    .int(Int(maxPages)), .float(0.125), .buffer(workspace),
                ]
            )
            #expect(message == nil)
            let join = podium_grid_attention_join(backend, rows, heads32, kvHeads, width32, page, maxPages)
            if join.blocks.0 > 0 {
                message = launch(
                    "attention_join",
                    on: device,
                    join,
                    [
                        .int(Int(PODIUM_BF16.rawValue)), .buffer(out), .buffer(workspace), .float(1), .buffer(row),
                        .buffer(live), .int(maxRows), .int(heads), .int(headDim), .int(pageSize * Int(maxPages)),
                    ]
                )
                #expect(message == nil)
            }
            return Array(out.array(Float.self)[..<(positions.count * width)])
        }

        func reference(_ position: Int, _ q: ArraySlice<Float>, kvHead: Int) -> [Double] {
            let q = q.map { Double($0) }
            func at(_ key: Int) -> Int { (key * Self.kvHeads + kvHead) * headDim }
            let scores = (0...position).map { key in
                0.125 * (0..<headDim).map { q[$0] * Double(keys[at(key) + $0]) }.reduce(0, +)
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exp($0 - largest) }
            let total = weights.reduce(0, +)
            return (0..<headDim).map { i in
                (0...position).map { weights[$0] / total * Double(values[at($0) + i]) }.reduce(0, +)
            }
        }
    }

    /// Values lie in -1...1: a few units of 2^-24 for the weights of a few hundred keys.
    @Test(arguments: [(128, 16), (64, 20), (48, 16), (320, 16)], devices)
    func longSequencesEqualTheDoubleReference(shape: (headDim: Int, pageSize: Int), device: shim_device) {
        let heads = 6
        let sequence = Sequence(length: 1100, headDim: shape.headDim, pageSize: shape.pageSize)
        let positions = [1099, 0, 511, 512, 600, 601, 127, 128, 1023, 1024]
        var random = SeededNumbers(seed: 8)
        let width = heads * shape.headDim
        let q = random.floats(positions.count * width, in: -2...2)
        let got = sequence.run(positions, q: q, heads: heads, maxRows: positions.count, on: device)
        var worst = 0.0
        for (row, position) in positions.enumerated() {
            for head in 0..<heads {
                let start = row * width + head * shape.headDim
                let wanted = sequence.reference(position, q[start..<start + shape.headDim], kvHead: head / 3)
                for i in 0..<shape.headDim {
                    let error = abs(Double(got[start + i]) - wanted[i])
                    worst = max(worst, error.isNaN ? .infinity : error)
                }
            }
        }
        #expect(worst <= 1e-5, "worst error is \(worst)")
    }

    /// What a later row sees and an earlier one does not may be NaN, in a tile that both share.
    @Test(arguments: [128, 64, 48], devices)
    func valuesOfLaterRowsDoNotShow(headDim: Int, device: shim_device) {
        let heads = 4
        let sequence = Sequence(length: 40, headDim: headDim, pageSize: 16)
        var random = SeededNumbers(seed: 10)
        let width = heads * headDim
        let q = random.floats(40 * width)
        let clean = sequence.run(Array(0..<40), q: q, heads: heads, maxRows: 512, on: device).map(\.bitPattern)
        // Of position 20, in both kv heads: element 3 of the value is NaN, element 5 infinite.
        let page = 3 - 20 / 16
        for head in 0..<2 {
            let at = ((page * 2 + head) * 16 + 20 % 16) * headDim
            sequence.vPages.base.storeBytes(of: 0x7FC0, toByteOffset: 2 * (at + 3), as: UInt16.self)
            sequence.vPages.base.storeBytes(of: 0x7F80, toByteOffset: 2 * (at + 5), as: UInt16.self)
        }
        for maxRows in [40, 512] {
            let got = sequence.run(Array(0..<40), q: q, heads: heads, maxRows: maxRows, on: device)
            #expect(got[..<(20 * width)].map(\.bitPattern) == Array(clean[..<(20 * width)]), "\(maxRows)")
            for row in 20..<40 {
                for i in 0..<width {
                    let value = got[row * width + i]
                    switch i % headDim {
                    case 3: #expect(value.isNaN)
                    // NaN where a part of the weight is zero: the matrix cores take a weight in three parts.
                    case 5: #expect(value == .infinity || value.isNaN)
                    default: #expect(value.bitPattern == clean[row * width + i])
                    }
                }
            }
        }
    }

    /// A row alone, with others of its sequence in a group, and in blocks of several rows.
    @Test(arguments: devices)
    func rowsHaveTheSameBitsInAnyCompany(device: shim_device) {
        let (heads, headDim) = (4, 64)
        let sequence = Sequence(length: 530, headDim: headDim, pageSize: 16)
        let positions = Array(506..<526)
        var random = SeededNumbers(seed: 9)
        let width = heads * headDim
        let q = random.floats(positions.count * width)
        let whole = sequence.run(positions, q: q, heads: heads, maxRows: 20, on: device).map(\.bitPattern)
        let wide = sequence.run(positions, q: q, heads: heads, maxRows: 1024, on: device).map(\.bitPattern)
        #expect(whole == wide)
        for row in [0, 7, 19] {
            let one = Array(q[row * width..<(row + 1) * width])
            let alone = sequence.run([positions[row]], q: one, heads: heads, maxRows: 1, on: device).map(\.bitPattern)
            #expect(alone.elementsEqual(whole[row * width..<(row + 1) * width]), "row \(row)")
        }
    }
}
