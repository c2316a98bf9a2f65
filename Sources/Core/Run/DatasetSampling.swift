import CPluginAPI

/// Draws a smaller data set whose prompts are distributed in length as those of the whole.
///
/// Lengths from the least to the greatest are cut into bins of equal width; length l of a data set with lengths m...M falls
/// into bin (l - m) * bins / (M - m), rounded down, and M into the last.  Each bin gives its share of the samples, rounded
/// down; what is missing then comes from the bins with the greatest remainders, the lower one first.  Within a bin the
/// samples are drawn without replacement by the Mersenne Twister (MT19937) with the seed, bin after bin: of n that are left,
/// in ascending order, the one at draw * n / 2^32.  The chosen samples keep the order of the data set.
struct DatasetSampling: Sendable, Equatable {
    /// Samples to draw.
    var size: Int
    /// Bins of lengths.
    var bins = 10
    /// Seed of the draw.
    var seed: UInt64 = 42

    /// The places of the chosen samples.
    ///
    /// - Parameter lengths: The length of every prompt of the data set.
    /// - Returns: Places in ascending order.
    /// - Throws: `ConfigError` where the data set has fewer samples.
    func choose(from lengths: [UInt64]) throws(ConfigError) -> [UInt64] {
        guard size <= lengths.count, let least = lengths.min(), let most = lengths.max() else {
            throw ConfigError(
                "\(size) samples are to be drawn and the data set has \(lengths.count)",
                key: ConfigKey.debugDatasetSamplingSize.name
            )
        }
        var members = [[UInt64]](repeating: [], count: bins)
        for (place, length) in lengths.enumerated() {
            // 128 bits: a length may be anything that a plugin says.
            let product = (length - least).multipliedFullWidth(by: UInt64(bins))
            let bin = most == least ? 0 : (most - least).dividingFullWidth(product).quotient
            members[min(bins - 1, Int(bin))].append(UInt64(place))
        }
        var shares = members.map { size * $0.count / lengths.count }
        let remainders = members.map { size * $0.count % lengths.count }
        let order = members.indices.sorted { (remainders[$1], $0) < (remainders[$0], $1) }
        for bin in order.prefix(size - shares.reduce(0, +)) { shares[bin] += 1 }
        var random = MersenneTwister(seed: seed)
        var chosen: [UInt64] = []
        for (bin, share) in shares.enumerated() {
            for _ in 0..<share {
                let place = Int((UInt64(random.draw()) * UInt64(members[bin].count)) >> 32)
                chosen.append(members[bin].remove(at: place))
            }
        }
        return chosen.sorted()
    }

    /// The length of every prompt: its tokens, or its bytes where the workload states no tokens.
    ///
    /// - Parameter instance: Ready; its samples are loaded and released again.
    /// - Returns: The lengths in the order of the data set.
    /// - Throws: `PluginFault`, and `ConfigError` for a plugin in a process of its own, which keeps the prompts.
    static func lengths(of instance: any PluginInstance) throws -> [UInt64] {
        let size = try instance.datasetSize()
        var lengths: [UInt64] = []
        var start: UInt64 = 0
        while start < size.total {
            let indices = Array(start..<min(size.total, start + max(1, size.performance)))
            try instance.load(indices)
            guard let payloads = (instance as? any HeadInstance)?.payloads else {
                throw ConfigError(
                    "the prompts of an isolated plugin stay in its process; leave out isolate",
                    key: ConfigKey.debugDatasetSamplingSize.name
                )
            }
            for index in indices {
                let entry = payloads[index]
                let tokens = entry?.tokenCount ?? 0
                lengths.append(tokens > 0 ? tokens : entry?.payload.size ?? 0)
            }
            try instance.unload(indices)
            start += UInt64(indices.count)
        }
        return lengths
    }
}
