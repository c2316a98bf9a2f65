/// The 32-bit Mersenne Twister, `std::mt19937`, from which MLPerf's LoadGen draws every sample index and every gap.
///
/// The distributions in this file's neighbours follow libstdc++ of GCC 11 and later, because that is what the official
/// LoadGen is built with: other standard libraries give other numbers from the same engine.
struct MersenneTwister {
    private static let size = 624
    private static let shift = 397

    private var state: [UInt32]
    private var next: Int

    /// - Parameter seed: LoadGen's settings hold 64-bit seeds, but the engine keeps only the low 32 bits.
    init(seed: UInt64) {
        var word = UInt32(truncatingIfNeeded: seed)
        state = []
        state.reserveCapacity(Self.size)
        state.append(word)
        for i in 1..<UInt32(Self.size) {
            word = 1_812_433_253 &* (word ^ (word >> 30)) &+ i
            state.append(word)
        }
        next = Self.size
    }

    /// The next output of the engine, all 32 bits of it.
    mutating func draw() -> UInt32 {
        if next == Self.size {
            refill()
        }
        var y = state[next]
        next += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C_5680
        y ^= (y << 15) & 0xEFC6_0000
        return y ^ (y >> 18)
    }

    private mutating func refill() {
        state.withUnsafeMutableBufferPointer { x in
            for i in 0..<Self.size {
                let following = i + 1 == Self.size ? 0 : i + 1
                let distant = i < Self.size - Self.shift ? i + Self.shift : i + Self.shift - Self.size
                let y = (x[i] & 0x8000_0000) | (x[following] & 0x7FFF_FFFF)
                x[i] = x[distant] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
            }
        }
        next = 0
    }
}
