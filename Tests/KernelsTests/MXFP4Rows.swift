import CPluginAPI
import Kernels
import Testing

/// Quantised rows in memory that ends at inaccessible pages.
struct QuantizedRows {
    let rows, k: Int
    let codes, scales, offsets: GuardedMemory

    var blocks: Int { rows * k / 32 }

    init(rows: Int, k: Int) {
        self.rows = rows
        self.k = k
        codes = GuardedMemory(byteCount: rows * k)
        scales = GuardedMemory(byteCount: rows * k / 8)
        offsets = GuardedMemory(byteCount: rows * k / 8)
    }

    /// Rows as `podium_quantize_rows` makes them.
    init(_ x: [Float], rows: Int, k: Int, _ format: podium_activation) {
        self.init(rows: rows, k: k)
        let x = GuardedMemory(x)
        let live = GuardedMemory([Int32(rows)])
        var grid = podium_grid_quantize_rows(PODIUM_BACKEND_CPU, Int32(rows))
        quantize(&grid, 0, UInt64(rows), x.floats, live.ints, format)
    }

    /// Rows given element by element; the offsets follow.
    init(rows: Int, k: Int, codes: [Int8], scales: [Float]) {
        self.init(rows: rows, k: k)
        for row in 0..<rows {
            for block in 0..<k / 32 {
                let place = place(row, block)
                var sum: Int32 = 0
                for i in 0..<32 {
                    let code = codes[row * k + block * 32 + i]
                    code8[place * 32 + i] = code
                    sum += Int32(code)
                }
                self.scales.floats[place] = scales[row * (k / 32) + block]
                offsets.ints[place] = -12 * sum
            }
        }
    }

    func quantize(
        _ grid: UnsafePointer<mlp_grid>,
        _ first: UInt64,
        _ last: UInt64,
        _ x: UnsafePointer<Float>,
        _ live: UnsafePointer<Int32>,
        _ format: podium_activation
    ) {
        podium_quantize_rows(
            grid,
            first,
            last,
            Int32(format.rawValue),
            code8,
            scales.floats,
            offsets.ints,
            x,
            live,
            Int32(rows),
            Int32(k)
        )
    }

    var code8: UnsafeMutablePointer<Int8> { codes.base.assumingMemoryBound(to: Int8.self) }

    /// The place of a block among the scales.
    func place(_ row: Int, _ block: Int) -> Int {
        podium_quantized_block(Int32(rows), Int32(k), Int32(row), Int32(block))
    }

    func code(_ row: Int, _ j: Int) -> Int { Int(code8[place(row, j / 32) * 32 + j % 32]) }
    func scale(_ row: Int, _ j: Int) -> Float { scales.floats[place(row, j / 32)] }
    func value(_ row: Int, _ j: Int) -> Double { Double(code(row, j)) * Double(scale(row, j)) }

    /// Everything, to be compared to the bit.
    var bytes: [UInt8] {
        [codes, scales, offsets].flatMap { [UInt8](UnsafeRawBufferPointer(start: $0.base, count: $0.byteCount)) }
    }

    func fill(_ byte: UInt8) {
        for memory in [codes, scales, offsets] {
            memory.base.initializeMemory(as: UInt8.self, repeating: byte, count: memory.byteCount)
        }
    }
}

/// An MXFP4 matrix as a checkpoint has it.
struct MXFP4Matrix {
    let n, k: Int
    /// One code of E2M1 for each element, 0...15.
    var elements: [UInt8]
    /// E8M0.
    var scales: [UInt8]

    static let magnitudes: [Double] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

    init(n: Int, k: Int, elements: [UInt8], scales: [UInt8]) {
        self.n = n
        self.k = k
        self.elements = elements
        self.scales = scales
    }

    init(n: Int, k: Int, _ random: inout SeededGenerator, exponents: ClosedRange<UInt8> = 120...132) {
        self.init(
            n: n,
            k: k,
            elements: (0..<n * k).map { _ in UInt8.random(in: 0...15, using: &random) },
            scales: (0..<n * k / 32).map { _ in UInt8.random(in: exponents, using: &random) }
        )
    }

    func scale(_ i: Int, _ j: Int) -> Double {
        let code = scales[i * (k / 32) + j / 32]
        return code == 255 ? .nan : Double(sign: .plus, exponent: Int(code) - 127, significand: 1)
    }

    /// The value of an element without its scale.
    func element(_ i: Int, _ j: Int) -> Double {
        let code = Int(elements[i * k + j])
        return code < 8 ? Self.magnitudes[code] : -Self.magnitudes[code - 8]
    }

    func value(_ i: Int, _ j: Int) -> Double { element(i, j) * scale(i, j) }

    /// The elements, two to a byte.
    var nibbles: [UInt8] { stride(from: 0, to: n * k, by: 2).map { elements[$0] | elements[$0 + 1] << 4 } }

    /// The packed bytes; `cuts` are rows at which another call goes on.
    func packed(cuts: [Int] = [], filled byte: UInt8 = 0xee) -> GuardedMemory {
        let memory = GuardedMemory(byteCount: podium_packed_mxfp4_size(PODIUM_BACKEND_CPU, Int32(n), Int32(k)))
        memory.base.initializeMemory(as: UInt8.self, repeating: byte, count: memory.byteCount)
        let borders = [0] + cuts + [n]
        // The last part first: their order must not matter.
        for (first, last) in zip(borders, borders.dropFirst()).reversed() {
            let codes = GuardedMemory(Array(nibbles[first * k / 2..<last * k / 2]))
            let scales = GuardedMemory(Array(scales[first * k / 32..<last * k / 32]))
            podium_pack_mxfp4(
                PODIUM_BACKEND_CPU,
                memory.base,
                Int32(n),
                Int32(k),
                Int32(first),
                Int32(last - first),
                codes.base,
                scales.base
            )
        }
        return memory
    }

    static func packed(gate: Self, up: Self) -> GuardedMemory {
        let memory = GuardedMemory(
            byteCount: podium_packed_mxfp4_pair_size(PODIUM_BACKEND_CPU, Int32(gate.n), Int32(gate.k))
        )
        podium_pack_mxfp4_pair(
            PODIUM_BACKEND_CPU,
            memory.base,
            Int32(gate.n),
            Int32(gate.k),
            gate.nibbles,
            gate.scales,
            up.nibbles,
            up.scales
        )
        return memory
    }
}

extension GuardedMemory {
    var bytes: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: base, count: byteCount)) }
}
