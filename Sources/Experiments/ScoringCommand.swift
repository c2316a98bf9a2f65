/// The command that scores an accuracy log.
enum ScoringCommand {
    /// - Parameter run: The words of the run whose log is scored, its folder among them.
    /// - Returns: The command's words.
    static func words(run: [String]) -> [String] { ["accuracy"] + run }
}
