import Kernels
import Numerics

/// A weight tensor as it lies in a checkpoint, and its exact values.
struct ExampleWeights {
    /// Float32, bfloat16, float16 as its bits, or E4M3 as its codes.
    enum Elements {
        case float32([Float])
        case bfloat16([BFloat16])
        case float16([UInt16])
        case e4m3([UInt8])
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
        case .e4m3: .int(Int(PODIUM_F8E4M3.rawValue))
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
        } else if type == PODIUM_F8E4M3 {
            let codes = ElementType.f8e4m3.encode(numbers)
            elements = .e4m3(codes)
            values = codes.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: numbers.count) }.map { Double($0) }
        } else {
            elements = .float32(numbers)
            values = numbers.map { Double($0) }
        }
    }
}
