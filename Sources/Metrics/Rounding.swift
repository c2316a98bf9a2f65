/// Rounding to decimals as the scripts round whose printed numbers are compared.
public enum Rounding {
    /// A score from 0 to 1 in per cent with four decimals, rounded as NumPy's `round(mean * 100, 4)` does.
    ///
    /// - Parameter mean: The score.
    /// - Returns: Per cent.
    public static func percent(_ mean: Double) -> Double { (mean * 100 * 10000).rounded(.toNearestOrEven) / 10000 }

    /// A quotient with one decimal, rounded as Python's `round(dividend / divisor, 1)` does: by the exact value of the
    /// quotient's double, ties to even.
    ///
    /// - Parameters:
    ///   - dividend: At least 0.
    ///   - divisor: Greater than 0.
    /// - Returns: The rounded quotient.
    public static func tenths(_ dividend: Int, by divisor: Int) -> Double {
        let quotient = Double(dividend) / Double(divisor)
        let tenths = (quotient * 10).rounded(.down)
        // The sign of 10 * quotient - (tenths + 0.5) is exact: it is rounded once.
        let beyondHalf = (-(tenths + 0.5)).addingProduct(10, quotient)
        let isOdd = tenths.truncatingRemainder(dividingBy: 2) != 0
        return (beyondHalf > 0 || beyondHalf == 0 && isOdd ? tenths + 1 : tenths) / 10
    }
}
