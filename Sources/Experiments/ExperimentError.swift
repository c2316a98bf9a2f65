/// What keeps an experiment from being run, in a sentence.
public struct ExperimentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence.
    public var description: String

    /// An error from its sentence.
    public init(_ description: String) { self.description = description }
}
