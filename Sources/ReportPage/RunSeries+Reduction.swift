internal import Glibc
internal import RunRecords

extension RunSeries {
    /// What the reduction has to know of the run's settings.
    struct Rules: Sendable {
        var usesTokenLatencies: Bool
        var target: Double
        var latencyLimit: Int64?
        var firstTokenLimit: Int64?
        var outputTokenLimit: Int64?
    }

    /// Reads a file of sample times and reduces it.
    ///
    /// - Parameters:
    ///   - times: The file.
    ///   - rules: The run's settings.
    /// - Throws: `SafetensorsError` where a value is impossible.
    init(_ times: SampleTimes, rules: Rules) throws {
        let scheduled = try times.values(.scheduled)
        let issued = try times.values(.issued)
        let completed = try times.values(.completed)
        let counts = try times.values(.tokens)
        let first = try times.values(.firstToken)
        let size = times.header.samplesPerQuery
        let count = times.sampleCount
        isOffline = times.header.scenario == "Offline"
        sampleCount = count
        failedCount = try times.values(.failed).reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
        lastScheduled = scheduled.last ?? 0
        lastIssued = issued.last ?? 0

        var began = [Int64](repeating: 0, count: count)
        var latencies = [Int64](repeating: -1, count: count)
        for sample in 0..<count {
            began[sample] = scheduled[sample / size]
            if completed[sample] >= 0 { latencies[sample] = max(0, completed[sample] - began[sample]) }
        }
        let ends = completed.filter { $0 >= 0 }.sorted()
        completedCount = ends.count
        duration = ends.last ?? 0
        tokenCount = counts.reduce(0, &+)
        latency = Distribution(latencies.filter { $0 >= 0 }).summary(target: rules.target, limit: rules.latencyLimit)
        if times.header.scenario == "MultiStream" {
            let queries = (0..<times.header.queryCount).map { query in
                latencies[query * size..<(query + 1) * size].max() ?? 0
            }
            queryLatency = Distribution(queries.filter { $0 >= 0 }).summary(target: rules.target, limit: nil)
        }
        if rules.usesTokenLatencies, !isOffline {
            let (firsts, outputs) = Self.tokenTimes(latencies, began, first, counts)
            firstToken = Distribution(firsts).summary(target: rules.target, limit: rules.firstTokenLimit)
            outputToken = Distribution(outputs).summary(target: rules.target, limit: rules.outputTokenLimit)
            firstTokenMap = TimeMap(
                times: began,
                durations: (0..<count).map { first[$0] < 0 ? -1 : max(0, first[$0] - began[$0]) },
                limit: rules.firstTokenLimit
            )
        }
        let width = Self.bucketWidth(duration)
        samples = Self.rate(ends, weights: nil, width: width, end: duration)
        if tokenCount > 0 {
            tokens = Self.rate(completed, weights: counts, width: width, end: duration)
            tokensPerSample = Distribution(zip(counts, completed).filter { $0.1 >= 0 }.map(\.0))
                .summary(target: rules.target, limit: nil)
        }
        outstanding = Self.outstanding(issued: issued, samplesPerQuery: size, ends: ends, duration: duration)
        progress = Distribution(ends).curve()
        latencyMap = TimeMap(times: began, durations: latencies, limit: rules.latencyLimit)
    }

    /// Times to first token and per output token, by LoadGen's arithmetic with its quirks: a missing first token counts as
    /// the whole latency, and fewer than two tokens divide by -1.
    private static func tokenTimes(
        _ latencies: [Int64],
        _ began: [Int64],
        _ first: [Int64],
        _ counts: [Int64]
    ) -> ([Int64], [Int64]) {
        var firsts: [Int64] = []
        var outputs: [Int64] = []
        firsts.reserveCapacity(latencies.count)
        outputs.reserveCapacity(latencies.count)
        for sample in latencies.indices where latencies[sample] >= 0 {
            let time = first[sample] < 0 ? latencies[sample] : max(0, first[sample] - began[sample])
            let tokens = counts[sample] < 2 ? 0 : counts[sample]
            firsts.append(time)
            outputs.append((latencies[sample] - time) / (tokens - 1))
        }
        return (firsts, outputs)
    }

    /// A round width of which 40 to 100 make the run.
    private static func bucketWidth(_ duration: Int64) -> Double {
        max(1, Axis.niceStep(Double(max(duration, 1)) / 100))
    }

    private static func rate(_ ends: [Int64], weights: [Int64]?, width: Double, end: Int64) -> Rate {
        let length = Double(max(end, 1))
        // A sliver at the end would make a spike of chance: it belongs to the bucket before.
        let count = max(1, Int((length / width + 0.5).rounded(.down)))
        var sums = [Double](repeating: 0, count: count)
        for (place, time) in ends.enumerated() where time >= 0 {
            sums[min(count - 1, Int(Double(time) / width))] += weights.map { Double($0[place]) } ?? 1
        }
        for bucket in sums.indices {
            let from = Double(bucket) * width
            let to = bucket == count - 1 ? length : from + width
            sums[bucket] /= max(1, to - from) / 1e9
        }
        return Rate(width: width, values: sums, end: length)
    }

    private static func outstanding(
        issued: [Int64],
        samplesPerQuery: Int,
        ends: [Int64],
        duration: Int64
    ) -> Outstanding {
        let slices = 240
        let width = Double(max(duration, 1)) / Double(slices)
        var least = [Int](repeating: Int.max, count: slices)
        var most = [Int](repeating: 0, count: slices)
        var open = 0
        var query = 0
        var end = 0
        var slice = 0
        // Queries are issued in order of time; where an answer and a query share a nanosecond the query comes first.
        while query < issued.count || end < ends.count {
            let takesQuery = query < issued.count && (end >= ends.count || issued[query] <= ends[end])
            let time = takesQuery ? issued[query] : ends[end]
            let target = Int(min(Double(slices - 1), Double(time) / width))
            while slice <= target {
                least[slice] = min(least[slice], open)
                most[slice] = max(most[slice], open)
                if slice == target { break }
                slice += 1
            }
            if takesQuery {
                open += samplesPerQuery
                query += 1
            } else {
                open -= 1
                end += 1
            }
            least[slice] = min(least[slice], open)
            most[slice] = max(most[slice], open)
        }
        for rest in least.indices where least[rest] == Int.max {
            least[rest] = open
            most[rest] = open
        }
        return Outstanding(width: width, least: least, most: most)
    }
}
