/// Why a tokenizer could not be loaded, or a text or id sequence not be converted.
///
/// Everything a file or a caller's data can do wrong ends here; nothing of it traps.
public struct TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The file that was read, or a name for data that came from memory.
    public let source: String

    /// The field inside it, such as `trainer_spec.model_type` or `model.merges[17]`; empty when the whole is meant.
    public let field: String

    /// What is wrong, with the offending value.
    public let problem: String

    /// What to do next.
    public let advice: String

    /// Makes an error from its four parts.
    public init(source: String, field: String = "", problem: String, advice: String) {
        self.source = source
        self.field = field
        self.problem = problem
        self.advice = advice
    }

    /// One line: source, field, problem, advice.
    public var description: String {
        (field.isEmpty ? source : "\(source): \(field)") + ": \(problem); \(advice)"
    }
}
