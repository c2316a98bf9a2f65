import Glibc

extension MersenneTwister {
    /// A whole number in `0...last`, by Lemire's multiply-and-reject, as libstdc++ does for a 32-bit engine.
    ///
    /// One draw in nearly all cases; a draw is consumed even when `last` is 0.
    mutating func uniform(through last: UInt32) -> UInt32 {
        guard last < UInt32.max else { return draw() }
        let range = last + 1
        var product = UInt64(draw()) * UInt64(range)
        var low = UInt32(truncatingIfNeeded: product)
        if low < range {
            let threshold = (0 &- range) % range
            while low < threshold {
                product = UInt64(draw()) * UInt64(range)
                low = UInt32(truncatingIfNeeded: product)
            }
        }
        return UInt32(truncatingIfNeeded: product >> 32)
    }

    /// A double in [0, 1) with 53 random bits, from two draws, low word first.
    mutating func canonical() -> Double {
        let low = Double(draw())
        let high = Double(draw())
        let value = (low + high * 4_294_967_296) / 18_446_744_073_709_551_616
        return value < 1 ? value : 1.0.nextDown
    }

    /// A value of the exponential distribution with `rate` events per unit.
    mutating func exponential(rate: Double) -> Double {
        -log(1 - canonical()) / rate
    }

    /// Shuffles as `std::shuffle` of libstdc++ does: forwards, and two positions per draw while the list is short enough.
    ///
    /// - Precondition: fewer than 2^32 elements.
    mutating func shuffle<Element>(_ list: inout [Element]) {
        let count = list.count
        precondition(count <= Int(UInt32.max), "the engine yields 32 bits, so a list must be shorter than 2^32")
        guard count > 0 else { return }
        guard Int(UInt32.max) / count >= count else {
            for i in 1..<count {
                list.swapAt(i, Int(uniform(through: UInt32(i))))
            }
            return
        }
        var i = 1
        if count % 2 == 0 {
            list.swapAt(1, Int(uniform(through: 1)))
            i = 2
        }
        while i < count {
            let choices = UInt32(i + 1)
            let both = uniform(through: choices * (choices + 1) - 1)
            list.swapAt(i, Int(both / (choices + 1)))
            list.swapAt(i + 1, Int(both % (choices + 1)))
            i += 2
        }
    }
}
