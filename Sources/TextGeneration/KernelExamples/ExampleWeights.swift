import Kernels
import Numerics

/// A weight tensor as it lies in a checkpoint, and its exact values.
struct ExampleWeights {
    /// Float32, bfloat16, or float16 as its bits.
    enum Elements {
        case float32([Float])
        case bfloat16([BFloat16])
        case float16([UInt16])
    }

    let elements: Elements
    /// Every element, exactly.
    let values: [Double]

    /// The `dtype` argument that goes with it.
    var dtype: ExampleArgument {
        switch elements {
        case .float32: .int(Int(PODIUM_F32.rawValue))
        case .bfloat16: .int(Int(PODIUM_BF16.rawValue))
        case .float16: .int(Int(PODIUM_F16.rawValue))
        }
    }

    init(_ numbers: [Float], _ type: podium_dtype) {
        if type == PODIUM_BF16 {
            let rounded = numbers.map { BFloat16($0) }
            elements = .bfloat16(rounded)
            values = rounded.map { Double(Float($0)) }
        } else if type == PODIUM_F16 {
            let bytes = ElementType.f16.encode(numbers)
            elements = .float16(
                bytes.withUnsafeBytes { raw in
                    numbers.indices.map { raw.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self) }
                }
            )
            values = bytes.withUnsafeBytes { ElementType.f16.decode($0, count: numbers.count) }.map { Double($0) }
        } else {
            elements = .float32(numbers)
            values = numbers.map { Double($0) }
        }
    }
}
