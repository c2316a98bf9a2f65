import Glibc
import Numerics

/// Compares elements of a product with sums in double of the same rounded operands.
enum GemmVerification {
    /// How many elements are looked at: the corners, and others spread over rows and columns.
    static let sampleCount = 64

    /// - Returns: The worst error in units of what float32 sums and the rounding of the result allow.
    /// - Throws: `BenchFailure` if it is more than 1.
    static func check(
        _ shape: GemmShape,
        x: RandomMatrix,
        w: RandomMatrix,
        y: UnsafeMutableRawPointer,
        on stream: any DeviceStream
    ) throws -> Double {
        var worst = 0.0
        for sample in 0..<sampleCount {
            let (row, column) = position(sample, shape)
            let (a, b) = (x.row(row), w.row(column))
            var (sum, magnitude) = (0.0, 0.0)
            for index in 0..<shape.k {
                let term = Double(a[index]) * Double(b[index])
                sum += term
                magnitude += abs(term)
            }
            let bytes = shape.y.bitWidth / 8
            let code = try stream.bytes(bytes, at: y + (row * shape.n + column) * bytes)
            let value = Double(code.withUnsafeBytes { shape.y.decode($0, count: 1) }[0])
            let error = abs(value - sum) / room(shape, sum, magnitude)
            guard error <= 1 else {
                throw BenchFailure(
                    "\(shape): y[\(row),\(column)] is \(value); a sum in double gives \(sum): the product is wrong, and "
                        + "its time means nothing"
                )
            }
            worst = max(worst, error)
        }
        return worst
    }

    /// Roundings of a float32 sum grow like the root of its length; matrix cores keep fewer bits of FP8 and MXFP4 sums
    /// (Hopper some 14).
    static func room(_ shape: GemmShape, _ sum: Double, _ magnitude: Double) -> Double {
        let isNarrow = shape.x.bitWidth <= 8
        let sums = isNarrow ? 0x1p-11 * magnitude : Double(shape.k).squareRoot() * 0x1p-22 * magnitude
        let output = [ElementType.bf16: 0x1p-8, .f16: 0x1p-11][shape.y] ?? 0x1p-24
        return sums + output * abs(sum) + 1e-6
    }

    private static func position(_ sample: Int, _ shape: GemmShape) -> (row: Int, column: Int) {
        if sample < 4 { return (sample & 1 == 0 ? 0 : shape.m - 1, sample & 2 == 0 ? 0 : shape.n - 1) }
        // Multiples of the golden ratio and of the root of two, modulo 1: spread evenly.
        let (row, column) = (Double(sample) * 0.618_033_988_75, Double(sample) * 0.414_213_562_37)
        return (
            Int((row - row.rounded(.down)) * Double(shape.m)), Int((column - column.rounded(.down)) * Double(shape.n))
        )
    }
}

/// Why a benchmark gives no figure.
public struct BenchFailure: Error, CustomStringConvertible {
    /// What happened, and what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}
