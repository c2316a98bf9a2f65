/// Who plans, issues and judges a test.
public enum LoadGenEngine: String, Sendable, CaseIterable {
    /// The host's own LoadGen.
    case podium
    /// MLCommons' library, loaded at run time.
    case official
}
