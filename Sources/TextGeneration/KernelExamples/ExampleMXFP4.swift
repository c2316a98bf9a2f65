import Glibc
import Kernels

/// A matrix of MXFP4 weights as a checkpoint has it, and its exact values.
struct ExampleMXFP4Weights {
    let codes, scales: [UInt8]
    /// Every element, exactly.
    let values: [Double]

    init(_ numbers: inout ExampleNumbers, n: Int, k: Int, exponents: ClosedRange<Int> = -4...1) {
        let elements = (0..<n * k).map { _ in numbers.index(below: 16) }
        let exponents = (0..<n * k / 32).map { _ in exponents.lowerBound + numbers.index(below: exponents.count) }
        codes = stride(from: 0, to: n * k, by: 2).map { UInt8(elements[$0] | elements[$0 + 1] << 4) }
        scales = exponents.map { UInt8(127 + $0) }
        values = elements.indices.map { index in
            let magnitude = ExampleBlock.magnitudes[elements[index] % 8] * exp2(Double(exponents[index / 32]))
            return elements[index] < 8 ? magnitude : -magnitude
        }
    }

    /// The bytes that the products read.
    func packed(n: Int, k: Int, for backend: podium_backend) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: podium_packed_mxfp4_size(backend, Int32(n), Int32(k)))
        podium_pack_mxfp4(backend, &bytes, Int32(n), Int32(k), 0, Int32(n), codes, scales)
        return bytes
    }

    /// The bytes that the gated products read.
    static func packed(n: Int, k: Int, gate: Self, up: Self, for backend: podium_backend) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: podium_packed_mxfp4_pair_size(backend, Int32(n), Int32(k)))
        podium_pack_mxfp4_pair(backend, &bytes, Int32(n), Int32(k), gate.codes, gate.scales, up.codes, up.scales)
        return bytes
    }
}
