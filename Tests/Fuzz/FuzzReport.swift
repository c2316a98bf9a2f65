/// What a run of a `Fuzzer` did.
public struct FuzzReport: Sendable {
    /// The name of the reader.
    public let name: String
    /// The inputs given to the reader.
    public let count: Int
    /// The inputs that it accepted; all others were refused.
    public let accepted: Int
    /// The time spent in the reader.
    public let time: Duration
    /// The longest time for one input.
    public let slowest: Duration
    /// The number of that input.
    public let slowestInput: Int

    /// Inputs per second of time in the reader.
    public var inputsPerSecond: Double { Double(count) / max(time / .seconds(1), 1e-9) }
}

extension FuzzReport: CustomStringConvertible {
    /// `fuzz json: 20000 inputs, 812 accepted, 19188 refused, 91000 inputs/s, slowest 0.004 s (input 17)`.
    public var description: String {
        let seconds = (slowest / .seconds(1) * 1e6).rounded() / 1e6
        return "fuzz \(name): \(count) inputs, \(accepted) accepted, \(count - accepted) refused, "
            + "\(Int(inputsPerSecond)) inputs/s, slowest \(seconds) s (input \(slowestInput))"
    }
}
