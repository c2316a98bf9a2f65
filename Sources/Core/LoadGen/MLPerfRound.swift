/// An MLPerf Inference round, which fixes the random seeds of a submission.
///
/// The seeds are published in `loadgen/mlperf.conf` of mlcommons/inference; a round's seeds may be used for that round alone.
public enum MLPerfRound: String, Sendable, CaseIterable {
    /// Inference v6.0.
    case v60 = "v6.0"
    /// Inference v6.1, whose seeds are compiled into LoadGen 6.0.17.
    case v61 = "v6.1"

    /// Seed of the order in which samples are loaded.
    public var qslRngSeed: UInt64 {
        switch self {
        case .v60: 2_465_351_861_681_999_779
        case .v61: 2_085_463_073_848_966_840
        }
    }

    /// Seed of the choice of samples.
    public var sampleIndexRngSeed: UInt64 {
        switch self {
        case .v60: 14_276_810_075_590_677_512
        case .v61: 2_747_215_439_041_700_203
        }
    }

    /// Seed of Server's gaps.
    public var scheduleRngSeed: UInt64 {
        switch self {
        case .v60: 3_936_089_224_930_324_775
        case .v61: 16_159_082_839_903_944_936
        }
    }
}
