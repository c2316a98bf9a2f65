import Kernels

/// Seeded numbers, the same on every machine: SplitMix64; and what the grid of the example is made for.
struct ExampleNumbers: RandomNumberGenerator {
    /// What runs the example.
    let backend: podium_backend
    private var state: UInt64

    init(seed: UInt64, backend: podium_backend = PODIUM_BACKEND_CPU) {
        state = seed
        self.backend = backend
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Evenly spread over -bound..<bound.
    mutating func floats(_ count: Int, bound: Float = 1) -> [Float] {
        (0..<count).map { _ in bound * (Float(next() >> 40) * 0x1p-23 - 1) }
    }

    /// Evenly spread over 0..<bound.
    mutating func index(below bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// Integers of 0..<100, for an output before the launch.
    mutating func unwritten(_ count: Int) -> [Int] { (0..<count).map { _ in index(below: 100) } }

    /// An output before the launch: NaN in the rows that the kernel must write, numbers in those that it must leave.
    mutating func unwritten(rows: Int, live: Int, width: Int) -> [Float] {
        let written = min(live, rows) * width
        return [Float](repeating: .nan, count: written) + floats(rows * width - written, bound: 100)
    }
}
