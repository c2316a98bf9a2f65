import Glibc
import Kernels

/// Quantised activations, and their exact values.
struct ExampleQuantizedRows {
    /// As the kernels take them: codes, scales, offsets.
    let arguments: [ExampleArgument]
    /// Every element, exactly, row by row.
    let values: [Double]

    init(_ numbers: inout ExampleNumbers, rows: Int, k: Int) {
        let places = ExampleQuantizedPlaces(backend: numbers.backend, rows: rows, k: k)
        if numbers.backend == PODIUM_BACKEND_GFX950 {
            let elements = (0..<rows * k).map { _ in numbers.index(below: 16) }
            let exponents = (0..<rows * k / 32).map { _ in numbers.index(below: 4) - 6 }
            var codes = [Int](repeating: 0, count: places.codeCount)
            var scales = [Int](repeating: -1, count: places.scaleCount)
            for block in 0..<rows * k / 32 {
                let place = places.block(row: block / (k / 32), block % (k / 32))
                let packed = ExampleQuantizedPlaces.packed(elements[block * 32..<block * 32 + 32])
                codes.replaceSubrange(place * 16..<place * 16 + 16, with: packed)
                scales[places.scale(row: block / (k / 32), block % (k / 32))] = 127 + exponents[block]
            }
            arguments = [
                .signedBytes(codes.map { Int8($0) }), .signedBytes(scales.map { Int8($0) }),
                .ints([Int](repeating: 0, count: rows * k / 32)),
            ]
            values = elements.indices.map { index in
                let magnitude = ExampleBlock.magnitudes[elements[index] % 8] * exp2(Double(exponents[index / 32]))
                return elements[index] < 8 ? magnitude : -magnitude
            }
            return
        }
        let codes = (0..<rows * k).map { _ in Int8(numbers.index(below: 255) - 127) }
        let scales = numbers.floats(rows * k / 32, bound: 0x1p-7).map { abs($0) + 0x1p-10 }
        let offsets = scales.indices.map { block in
            -12 * codes[block * 32..<block * 32 + 32].reduce(0) { $0 + Int($1) }
        }
        values = (0..<rows).flatMap { row in
            (0..<k).map { j in
                let place = places.block(row: row, j / 32)
                return Double(codes[place * 32 + j % 32]) * Double(scales[place])
            }
        }
        arguments = [.signedBytes(codes), .floats(scales), .ints(offsets)]
    }
}

/// Where the parts of quantised rows lie.
struct ExampleQuantizedPlaces {
    let backend: podium_backend
    let rows, k: Int

    /// The place of a block among the blocks.
    func block(row: Int, _ block: Int) -> Int {
        podium_quantized_block(Int32(rows), Int32(k), Int32(row), Int32(block))
    }

    /// The place of its scale.
    func scale(row: Int, _ block: Int) -> Int {
        podium_quantized_scale(backend, Int32(rows), Int32(k), Int32(row), Int32(block))
    }

    /// Bytes of codes.
    var codeCount: Int { backend == PODIUM_BACKEND_GFX950 ? rows * k / 2 : rows * k }

    /// float32 scales; with gfx950 bytes, four for each quarter of a group of sixteen blocks that has any.
    var scaleCount: Int {
        let blocks = k / 32
        return rows * (backend == PODIUM_BACKEND_GFX950 ? 4 * (blocks / 16 * 4 + min(blocks % 16, 4)) : blocks)
    }

    /// E2M1 codes, two to a byte, as a signed byte's number.
    static func packed(_ elements: ArraySlice<Int>) -> [Int] {
        stride(from: elements.startIndex, to: elements.endIndex, by: 2).map {
            Int(Int8(truncatingIfNeeded: elements[$0] | elements[$0 + 1] << 4))
        }
    }
}

/// What a kernel that quantises leaves: its outputs before, which are numbers, and after.
struct ExampleQuantizedOutput {
    private let places: ExampleQuantizedPlaces
    private let codesBefore, offsetsBefore: [Int]
    private let scalesBefore: [Float]
    private var codes, offsets: [Int]
    private var scales: [Double]

    init(_ numbers: inout ExampleNumbers, rows: Int, k: Int) {
        places = ExampleQuantizedPlaces(backend: numbers.backend, rows: rows, k: k)
        codesBefore = numbers.unwritten(places.codeCount)
        offsetsBefore = numbers.unwritten(rows * k / 32)
        // Integers, which are bytes too.
        scalesBefore = numbers.unwritten(places.scaleCount).map { Float($0) }
        (codes, offsets, scales) = (codesBefore, offsetsBefore, scalesBefore.map { Double($0) })
    }

    /// A block is written.
    mutating func put(_ block: ExampleBlock, row: Int, _ index: Int, _ format: podium_activation) {
        let (place, scale) = (places.block(row: row, index), places.scale(row: row, index))
        if places.backend == PODIUM_BACKEND_GFX950 {
            let isThere = format == PODIUM_ACTIVATION_MXFP4
            let elements = isThere ? block.elements : [Int](repeating: 0, count: 32)
            codes.replaceSubrange(place * 16..<place * 16 + 16, with: ExampleQuantizedPlaces.packed(elements[...]))
            scales[scale] = isThere ? Double(Int8(truncatingIfNeeded: Int(log2(block.scale)) + 128)) : -1
        } else {
            codes.replaceSubrange(place * 32..<place * 32 + 32, with: block.codes)
            scales[scale] = block.scale
            offsets[place] = block.offset
        }
    }

    /// As the kernels take them; `relative` is the tolerance of a scale that is a float32.
    func arguments(relative: Double = 0) -> [ExampleArgument] {
        let scaleBytes = places.backend == PODIUM_BACKEND_GFX950
        return [
            .codes(codesBefore, expected: codes),
            scaleBytes
                ? .codes(scalesBefore.map { Int($0) }, expected: scales.map { Int($0) })
                : .output(scalesBefore, expected: scales, relative: relative),
            .indices(offsetsBefore, expected: offsets),
        ]
    }
}
