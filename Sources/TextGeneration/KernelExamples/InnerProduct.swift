/// A sum of products in double, and the sum of their absolute values, by which float32 errors are bounded.
struct InnerProduct {
    private(set) var value = 0.0
    private(set) var magnitude = 0.0

    init<Left: BinaryFloatingPoint>(
        _ left: [Left],
        _ leftStart: Int,
        _ right: [Double],
        _ rightStart: Int,
        count: Int
    ) {
        for i in 0..<count {
            let product = Double(left[leftStart + i]) * right[rightStart + i]
            value += product
            magnitude += abs(product)
        }
    }
}
