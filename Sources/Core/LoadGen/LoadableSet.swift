/// Samples that are loaded together, and from which a plan draws.
public struct LoadableSet: Sendable, Equatable {
    /// Indices into the library; MultiStream repeats the first ones at the end so that a query may start anywhere.
    public var indices: [UInt64]
    /// How many of `indices` a query may start at: all but the repeated ones.
    public var distributionEnd: Int

    /// The sets of a test, in the order in which an accuracy run uses them; a performance run uses the first.
    ///
    /// - Parameters:
    ///   - settings: The effective settings.
    ///   - totalCount: How many samples the library has.
    ///   - mode: `.accuracyOnly` covers the accuracy count, everything else the performance count.
    /// - Returns: Permutations of the library's first samples, cut to what can be loaded at once.
    public static func sets(settings: EffectiveSettings, totalCount: UInt64, mode: TestMode) -> [LoadableSet] {
        let wanted = mode == .accuracyOnly ? settings.accuracySampleCount : settings.performanceSampleCount
        var order = Array(0..<min(wanted, totalCount))
        var random = MersenneTwister(seed: settings.requested.qslRngSeed)
        random.shuffle(&order)

        let size = Int(clamping: settings.performanceSampleCount)
        let padding = settings.scenario == .multiStream ? Int(settings.samplesPerQuery) - 1 : 0
        var sets: [LoadableSet] = []
        var start = 0
        while start < order.count {
            let end = order.count - start > size ? start + size : order.count
            var indices = Array(order[start..<end])
            let distributionEnd = indices.count
            indices.reserveCapacity(distributionEnd + padding)
            for i in 0..<padding {
                indices.append(indices[i])
            }
            sets.append(LoadableSet(indices: indices, distributionEnd: distributionEnd))
            start = end
        }
        return sets
    }
}
