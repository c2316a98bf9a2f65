/// MLCommons' own LoadGen.
///
/// It is built from its source distribution by `make official-loadgen` and loaded at run time; no line of it is part of the host.
public struct OfficialLoadGen: Sendable {
    /// The release that the build fetches.
    public static let version = "6.0.17"
    /// The round whose seeds and rules are compiled into that release.
    public static let compiledRound = MLPerfRound.v61
}
