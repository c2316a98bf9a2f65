/// What there is of a leg, and what is still to be done.
public struct LegState: Sendable, Equatable {
    /// Why the leg, or its last steps, have to be done; nil if all is there and counts.
    public var fault: String?
    /// Whether the first step, the run, is there and counts; then only what follows it is to be done.
    public var keepsRun: Bool

    /// Whether the leg is done.
    public var isDone: Bool { fault == nil }

    /// The steps of a leg that are to be done.
    public func remaining(of leg: Leg) -> [Leg.Step] {
        if isDone { return [] }
        return keepsRun ? leg.steps.filter { $0.purpose != .run } : leg.steps
    }
}
