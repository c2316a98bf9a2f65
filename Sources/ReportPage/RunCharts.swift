/// A run among those of one set of charts.
struct ChartedRun: Sendable {
    var name: String
    var colour: Int
    var series: RunSeries
    var usesTokens: Bool { series.tokenCount > 0 }
    var targetShare: Double
    var latencyLimit: Int64?
    var firstTokenLimit: Int64?
    var outputTokenLimit: Int64?
}

/// The charts of one run, or of several over each other.
struct RunCharts: Sendable {
    /// Most runs that lie over each other.
    static let most = 6

    let runs: [ChartedRun]

    private var isSingle: Bool { runs.count == 1 }
    private var isOffline: Bool { runs.allSatisfy { $0.series.isOffline } }

    /// All charts that the runs have data for.
    var plots: [Plot] {
        var plots: [Plot?] = []
        if isOffline {
            plots.append(progress)
        } else {
            if runs.contains(where: { $0.series.queryLatency != nil }) {
                plots.append(distribution("Query latency", \.queryLatency, \.none, symbol: "query latency"))
            }
            plots.append(distribution("Latency", \.latency.optional, \.latencyLimit, symbol: "latency"))
            plots.append(distribution("Time to first token", \.firstToken, \.firstTokenLimit, symbol: "TTFT"))
            plots.append(distribution("Time per output token", \.outputToken, \.outputTokenLimit, symbol: "TPOT"))
        }
        plots.append(rate("Throughput in samples", "samples/s", { $0.samples }))
        plots.append(rate("Throughput in tokens", "tokens/s", { $0.tokens }))
        plots.append(outstanding)
        if isSingle, let run = runs.first, !isOffline {
            plots.append(
                map(
                    "Latency over time",
                    "latency",
                    run.series.latencyMap,
                    limit: run.latencyLimit,
                    run.series.lastScheduled
                )
            )
            if let first = run.series.firstTokenMap {
                plots.append(
                    map(
                        "Time to first token over time",
                        "TTFT",
                        first,
                        limit: run.firstTokenLimit,
                        run.series.lastScheduled
                    )
                )
            }
        }
        if isOffline { plots.append(tokens) }
        return plots.compactMap(\.self)
    }

    private var end: Double { runs.map { Double($0.series.duration) }.max() ?? 1 }

    private func timeAxis(_ end: Double? = nil) -> Axis {
        let last = end ?? self.end
        var axis = Axis.times(from: 0, to: Int64(max(last, 1)), fromZero: true, title: "time since the start")
        // The data ends at the edge; a margin would look as if nothing happened there.
        axis.high = max(last, 1)
        axis.ticks.removeAll { $0.value > axis.high }
        return axis
    }

    // MARK: - Cumulative curves

    private func distribution(
        _ title: String,
        _ path: KeyPath<RunSeries, Distribution.Summary?>,
        _ limit: KeyPath<ChartedRun, Int64?>,
        symbol: String
    ) -> Plot? {
        let shown = runs.compactMap { run in run.series[keyPath: path].map { (run, $0) } }.filter { $0.1.count > 0 }
        guard !shown.isEmpty else { return nil }
        var least = shown.map { max(0, $0.1.least) }.min() ?? 0
        var most = shown.map { $0.1.most }.max() ?? 1
        // One sample far below the rest must not stretch the scale over empty decades.
        if let low = shown.map({ $0.1.curve.first { $0.share >= 0.001 }?.time ?? $0.1.least }).min(), low > 0 {
            least = max(least, low / 3)
        }
        let limits = Set(shown.compactMap { $0.0[keyPath: limit] }).sorted()
        let farthest = limits.last.map { $0 / 50 <= most } ?? false
        if farthest, let last = limits.last { most = max(most, last) }
        var plot = Plot(
            title: title,
            subtitle: "share of samples that took no longer",
            x: Axis.times(from: least, to: most, title: symbol),
            y: Axis.shares(title: "share of samples")
        )
        for (run, summary) in shown {
            plot.series.append(
                Plot.Series(name: run.name, colour: run.colour, style: .line, points: Self.steps(summary.curve))
            )
            let name = ReportedRun.percentileName(run.targetShare)
            plot.rules.append(
                Plot.Rule(
                    value: Double(summary.atTarget),
                    label: "\(name) \(Quantity.duration(Double(summary.atTarget)))",
                    kind: .mark,
                    isVertical: true,
                    colour: run.colour
                )
            )
        }
        for limit in limits {
            let label = "limit \(Quantity.duration(Double(limit)))"
            if plot.x.low...plot.x.high ~= Double(limit) {
                plot.rules.append(Plot.Rule(value: Double(limit), label: label, kind: .limit, isVertical: true))
            } else {
                plot.subtitle += "; \(label), far to the right"
            }
        }
        return plot
    }

    /// A staircase through the points: the share is reached at the time, not before.
    private static func steps(_ curve: [(time: Int64, share: Double)]) -> [(x: Double, y: Double)] {
        var points: [(x: Double, y: Double)] = []
        var last = 0.0
        // Between many points the stairs would be finer than a line is wide.
        let hasStairs = curve.count <= 120
        for (time, share) in curve {
            if hasStairs || points.isEmpty { points.append((Double(time), last)) }
            points.append((Double(time), share))
            last = share
        }
        return points
    }

    // MARK: - Over time

    private var progress: Plot? {
        guard end > 0 else { return nil }
        var plot = Plot(
            title: "Completion",
            subtitle: "share of samples answered",
            x: timeAxis(),
            y: Axis.shares(title: "share of samples")
        )
        for run in runs {
            plot.series.append(
                Plot.Series(
                    name: run.name,
                    colour: run.colour,
                    style: .line,
                    points: [(0, 0)] + Self.steps(run.series.progress)
                )
            )
            guard let done = run.series.progress.first(where: { $0.share >= 0.99 }) else { continue }
            plot.rules.append(
                Plot.Rule(
                    value: Double(done.time),
                    label: "99 % at \(Quantity.duration(Double(done.time)))",
                    kind: .mark,
                    isVertical: true,
                    colour: run.colour
                )
            )
        }
        return plot
    }

    private func rate(_ title: String, _ unit: String, _ path: (RunSeries) -> RunSeries.Rate?) -> Plot? {
        let shown = runs.compactMap { run in path(run.series).map { (run, $0) } }
        guard let first = shown.first else { return nil }
        let top = shown.flatMap { $0.1.values }.max() ?? 1
        let widths = Set(shown.map { $0.1.width })
        var plot = Plot(
            title: title,
            subtitle: widths.count == 1 ? "answered, per \(Quantity.duration(first.1.width))" : "answered",
            x: timeAxis(),
            y: Axis.numbers(to: top, title: unit)
        )
        for (run, rate) in shown {
            var points: [(x: Double, y: Double)] = []
            for (bucket, value) in rate.values.enumerated() {
                let to = bucket == rate.values.count - 1 ? rate.end : Double(bucket + 1) * rate.width
                points.append((Double(bucket) * rate.width, value))
                points.append((to, value))
            }
            plot.series.append(
                Plot.Series(
                    name: run.name,
                    colour: run.colour,
                    style: isSingle ? .area : .line,
                    points: points,
                    isThin: true
                )
            )
        }
        if isSingle {
            let seconds = first.1.end / 1e9
            let total =
                unit == "tokens/s" ? Double(first.0.series.tokenCount) : Double(first.0.series.completedCount)
            let mean = total / seconds
            plot.rules.append(
                Plot.Rule(
                    value: mean,
                    label: "mean \(Axis.shortNumber(mean, decimals: mean < 100 ? 1 : 0))",
                    kind: .mark,
                    isVertical: false
                )
            )
        }
        return plot
    }

    private var outstanding: Plot? {
        let top = runs.flatMap { $0.series.outstanding.most }.max() ?? 0
        var plot = Plot(
            title: "Outstanding samples",
            subtitle: isSingle
                ? "issued and not yet answered; the band spans least and most" : "the most in each slice",
            x: timeAxis(),
            y: Axis.numbers(to: Double(top), title: "samples", isCount: true)
        )
        for run in runs {
            let slices = run.series.outstanding
            func points(_ values: [Int]) -> [(x: Double, y: Double)] {
                values.enumerated().map { ((Double($0.offset) + 0.5) * slices.width, Double($0.element)) }
            }
            let upper = points(slices.most)
            if isSingle {
                plot.series.append(
                    Plot.Series(
                        name: "range",
                        colour: run.colour,
                        style: .band,
                        points: upper + points(slices.least).reversed()
                    )
                )
            }
            plot.series.append(
                Plot.Series(name: run.name, colour: run.colour, style: .line, points: upper, isThin: true)
            )
        }
        if isSingle, let most = runs.first?.series.outstanding.most.max() {
            plot.subtitle += "; at most \(Quantity(Double(most), .samples).text)"
        }
        return plot
    }

    private func map(_ title: String, _ symbol: String, _ map: TimeMap, limit: Int64?, _ end: Int64) -> Plot? {
        guard !map.dots.isEmpty else { return nil }
        var y = map.axis
        y.title = symbol + y.title
        var plot = Plot(
            title: title,
            subtitle: map.cells.isEmpty
                ? "each sample, at the time it was due"
                : "darker: more samples; dots: the longest, at the time they were due",
            x: timeAxis(Double(map.end)),
            y: y
        )
        if !map.cells.isEmpty { plot.cells = (map.cells, map.columnCount, map.rowCount) }
        plot.series.append(
            Plot.Series(
                name: "sample",
                colour: runs.first?.colour ?? 0,
                style: .dots,
                points: map.dots.map { (Double($0.time), Double($0.duration)) }
            )
        )
        if let limit {
            plot.rules.append(
                Plot.Rule(
                    value: Double(limit),
                    label: "limit \(Quantity.duration(Double(limit)))",
                    kind: .limit,
                    isVertical: false
                )
            )
        }
        return plot
    }

    private var tokens: Plot? {
        let shown = runs.compactMap { run in run.series.tokensPerSample.map { (run, $0) } }
        guard !shown.isEmpty else { return nil }
        var plot = Plot(
            title: "Tokens per sample",
            subtitle: "share of samples with no more tokens",
            x: Axis.numbers(to: Double(shown.map { $0.1.most }.max() ?? 1), title: "tokens of the answer"),
            y: Axis.shares(title: "share of samples")
        )
        for (run, summary) in shown {
            plot.series.append(
                Plot.Series(
                    name: run.name,
                    colour: run.colour,
                    style: .line,
                    points: [(0, 0)] + Self.steps(summary.curve)
                )
            )
        }
        return plot
    }
}

extension Distribution.Summary {
    fileprivate var optional: Distribution.Summary? { self }
}

extension ChartedRun {
    fileprivate var none: Int64? { nil }
}
