/// The metrics and the verdict of a performance run.
public struct PerformanceSummary: Sendable {
    /// The system's name.
    public let sutName: String
    /// What the run did.
    public let settings: EffectiveSettings
    /// What it measured.
    public let measurements: RunMeasurements
    /// Sample latencies.
    public let samples: LatencyDistribution
    /// Query latencies, MultiStream only.
    public let queries: LatencyDistribution
    /// Times to first token.
    public let firstTokens: LatencyDistribution
    /// Times per output token.
    public let outputTokens: LatencyDistribution
    /// Tokens of all samples.
    public let tokenCount: Int64
    /// The verdict.
    public let validity: Validity

    /// Evaluates a run.
    ///
    /// - Parameters:
    ///   - sutName: The system's name.
    ///   - settings: What the run did.
    ///   - measurements: What it measured.
    ///   - hostReasons: What the host found wrong; any of it makes the run invalid.
    public init(
        sutName: String,
        settings: EffectiveSettings,
        measurements: RunMeasurements,
        hostReasons: [String] = []
    ) {
        self.sutName = LogText.oneLine(sutName)
        self.settings = settings
        self.measurements = measurements
        samples = LatencyDistribution(measurements.sampleLatencies)
        queries = LatencyDistribution(settings.scenario == .multiStream ? measurements.queryLatencies : [])
        let tokens = settings.requested.useTokenLatencies
        firstTokens = LatencyDistribution(tokens ? measurements.firstTokenLatencies : [])
        outputTokens = LatencyDistribution(tokens ? measurements.timePerOutputToken : [])
        tokenCount = tokens ? measurements.tokensPerSample.reduce(0, &+) : 0
        var verdict = Self.judge(
            settings: settings,
            measurements: measurements,
            samples: samples,
            queries: queries,
            firstTokens: firstTokens,
            outputTokens: outputTokens
        )
        verdict.hostReasons = hostReasons
        validity = verdict
    }

    /// Samples completed.
    public var sampleCount: Int { samples.sorted.count }

    /// Intervals between samples: a rate counts one fewer than there are samples.
    private var intervals: Double { Double(max(0, sampleCount - 1)) }

    /// Server: the rate at which queries came, per second.
    public var scheduledSamplesPerSecond: Double { intervals / measurements.finalQueryScheduledTime }
    /// Server: the rate at which samples were completed, per second.
    public var completedSamplesPerSecond: Double { intervals / measurements.finalQueryDoneTime }
    /// Offline: samples per second.
    public var offlineSamplesPerSecond: Double { Double(sampleCount) / measurements.maxLatency }
    /// SingleStream: queries per second as issued.
    public var qpsWithOverhead: Double { intervals / measurements.finalQueryIssuedTime }
    /// SingleStream: queries per second by latency alone.
    public var qpsWithoutOverhead: Double { 1 / (Double(samples.mean) / 1e9) }
    /// Offline: tokens per second.
    public var offlineTokensPerSecond: Double { Double(tokenCount) / measurements.maxLatency }
    /// Tokens per second until the last query was done.
    public var completedTokensPerSecond: Double { Double(tokenCount) / measurements.finalQueryDoneTime }
    /// Tokens per second as issued.
    public var tokensPerSecondWithOverhead: Double { Double(tokenCount) / measurements.finalQueryIssuedTime }
    /// Tokens per second by latency alone.
    public var tokensPerSecondWithoutOverhead: Double {
        Double(tokenCount) / (Double(samples.mean) / 1e9 * Double(sampleCount))
    }
    /// Server: inferred tokens per second, where they are inferred.
    public var inferredCompletedTokensPerSecond: Double {
        Double(settings.requested.tokenLatencyScalingFactor) * intervals / measurements.finalQueryDoneTime
    }
    /// Offline: inferred tokens per second, where they are inferred.
    public var inferredOfflineTokensPerSecond: Double {
        Double(settings.requested.tokenLatencyScalingFactor) * Double(sampleCount) / measurements.maxLatency
    }
    /// Server: samples over the latency limit.
    public var overlatencyCount: Int { samples.count(above: Int64(clamping: settings.targetLatencyNs)) }

    /// The one number by which a run of this scenario is ranked, with its unit.
    public var scenarioMetric: (name: String, value: Double) {
        let tokens = settings.requested.useTokenLatencies
        return switch settings.scenario {
        case .singleStream:
            ("latency at the target percentile (ns)", Double(samples.at(settings.targetLatencyPercentile)))
        case .multiStream:
            ("query latency at the target percentile (ns)", Double(queries.at(settings.targetLatencyPercentile)))
        case .server:
            tokens
                ? ("completed tokens per second", completedTokensPerSecond)
                : ("completed samples per second", completedSamplesPerSecond)
        case .offline:
            tokens ? ("tokens per second", offlineTokensPerSecond) : ("samples per second", offlineSamplesPerSecond)
        }
    }
}
