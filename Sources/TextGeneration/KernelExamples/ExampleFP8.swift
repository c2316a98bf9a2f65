import Kernels
import Numerics

/// E4M3 codes as the FP8 kernels pass activations to each other, by definition of the format.
enum ExampleFP8 {
    /// The values of the codes from 0 to 448, which ascend with them.
    static let values: [Double] = {
        let codes = (0..<0x7f).map { UInt8($0) }
        return codes.withUnsafeBytes { ElementType.f8e4m3.decode($0, count: $0.count) }.map { Double($0) }
    }()

    /// The value nearest to a number, of two as near the one with the even code, 448 at most; and whether it would be
    /// the same if the number were off by one part in ten thousand.
    static func nearest(_ number: Double) -> (value: Double, isStable: Bool) {
        let size = number.magnitude
        guard let above = values.firstIndex(where: { $0 >= size }) else {
            return (number < 0 ? -448 : 448, true)
        }
        if above == 0 { return (0, true) }
        let (down, up) = (size - values[above - 1], values[above] - size)
        let value = down < up || down == up && !above.isMultiple(of: 2) ? values[above - 1] : values[above]
        return (number < 0 ? -value : value, abs(up - down) > 1e-3 * size)
    }

    /// Activations without NaN and without -0, as codes and values.
    static func activations(_ numbers: inout ExampleNumbers, _ count: Int) -> ExampleWeights {
        ExampleWeights(numbers.floats(count, bound: 300).map { abs($0) < 0.01 ? 0 : $0 }, PODIUM_F8E4M3)
    }

    /// Weights of which every fifth is -0, the code that gfx942 reads as NaN unless it is mended.
    static func weights(_ numbers: inout ExampleNumbers, _ count: Int, bound: Float) -> ExampleWeights {
        ExampleWeights(
            numbers.floats(count, bound: bound).enumerated().map { $0.offset % 5 == 3 ? -0.0 : $0.element },
            PODIUM_F8E4M3
        )
    }
}
