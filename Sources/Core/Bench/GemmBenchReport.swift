public import JSON
import Numerics

/// What `host bench gemm` shows.
public struct GemmBenchReport: Sendable {
    /// `cpu:0`, `hip:0`.
    public var device: String
    /// What it is.
    public var properties: DeviceProperties
    /// Threads, on a processor.
    public var threads: Int
    /// What multiplied.
    public var library: String
    /// How it was timed.
    public var timing: DoBench
    /// TFLOP/s of multiply-adds in registers, measured; nil on a GPU.
    public var measuredPeak: Double?
    /// One for each product and format.
    public var rows: [GemmBench.Row]

    /// TFLOP/s that the device can do at most; nil if that is not known.
    func peak(_ type: GemmBenchType) -> Double? {
        measuredPeak ?? DevicePeaks.named(properties.name).flatMap(type.peak)
    }

    /// Mean of the rows that are the study's, and of what the study has for the same.
    func averages(_ type: GemmBenchType) -> (here: Double, published: Double)? {
        let pairs = rows.filter { $0.type == type }.compactMap { row in
            row.published.flatMap { published in row.teraflops.map { ($0, published) } }
        }
        guard !pairs.isEmpty else { return nil }
        let count = Double(pairs.count)
        return (pairs.map(\.0).reduce(0, +) / count, pairs.map(\.1).reduce(0, +) / count)
    }

    /// What the columns mean.
    private var method: String {
        let unit = timing.meaning == .milliseconds ? "ms" : "runs"
        var text =
            "do_bench: warm-up \(BenchTable.fixed(timing.warmup, digits: 0)) \(unit), repetitions "
            + "\(BenchTable.fixed(timing.repetitions, digits: 0)) \(unit) (\(timing.meaning.rawValue), "
        text += timing.meaning == .milliseconds ? "as newer versions of Triton" : "as older versions"
        text +=
            "), 256 MB cleared before each; the median by the device's events counts. Work that takes longer than all "
        text +=
            "repetitions together is done \(DoBench.least) times after a first time. Operands: normal, mean 0, variance 1."
        return text
    }

    private var peakSource: String {
        if let measuredPeak {
            return "peak: \(BenchTable.figure(measuredPeak)) TFLOP/s of float32 multiply-adds in registers, measured, "
                + "\(threads) threads"
        }
        guard let peaks = DevicePeaks.named(properties.name) else {
            return "peak: not known for \(properties.name)"
        }
        return "peak: \(peaks.source)"
    }

    /// For people.
    public var text: String {
        var table = BenchTable([
            "shape", "M", "N", "K", "type", "ms", "least", "runs", "TFLOP/s", "of peak", "MI350X study", "ratio",
        ])
        for row in rows {
            table.append([
                row.product.name, "\(row.shape.m)", "\(row.shape.n)", "\(row.shape.k)", row.type.rawValue,
                BenchTable.figure(row.timing?.median), BenchTable.figure(row.timing?.least),
                row.timing.map { "\($0.sorted.count)" } ?? "-", BenchTable.figure(row.teraflops),
                BenchTable.percent(Self.share(row.teraflops, peak(row.type))), BenchTable.figure(row.published),
                BenchTable.figure(Self.share(row.teraflops, row.published)),
            ])
        }
        var lines = ["\(device)  \(properties.name), \(properties.architecture); products by \(library)", ""]
        lines.append(table.text)
        for type in GemmBenchType.allCases {
            guard let averages = averages(type) else { continue }
            lines.append(
                "\(type.rawValue), mean of the study's shapes: \(BenchTable.figure(averages.here)) TFLOP/s; published for an "
                    + "MI350X: \(BenchTable.figure(averages.published)); ratio "
                    + BenchTable.figure(averages.here / averages.published)
            )
        }
        if let example = rows.first { lines.append("multiplied: \(example.shape), sums in float32") }
        lines += [peakSource, method]
        for row in rows {
            if let problem = row.problem {
                lines.append("\(row.product.name), \(row.type.rawValue): not timed: \(problem)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A row for people who wait.
    public static func line(_ row: GemmBench.Row) -> String {
        let figures =
            row.timing == nil
            ? "not timed" : "\(BenchTable.figure(row.timing?.median)) ms, \(BenchTable.figure(row.teraflops)) TFLOP/s"
        return "\(row.product.name) \(row.type.rawValue): \(figures)"
    }

    /// For programs.
    public var json: JSON {
        [
            "device": .string(device), "name": .string(properties.name),
            "architecture": .string(properties.architecture), "threads": JSON(threads), "library": .string(library),
            "method": [
                "warmup": .number(timing.warmup), "repetitions": .number(timing.repetitions),
                "unit": .string(timing.meaning.rawValue), "cleared_bytes": JSON(Int(DeviceBenchClock.cacheSize)),
                "counted": "median",
            ],
            "peak_source": .string(peakSource),
            "rows": .array(rows.map(json)),
            "study": [
                "source": "AMD MI350X Training Benchmark Results, 2026-01-08, Benchmark 1b",
                "averages": .array(
                    GemmBenchType.allCases.compactMap { type in
                        averages(type).map { averages in
                            [
                                "dtype": .string(type.rawValue), "tflops": .number(averages.here),
                                "published_tflops": .number(averages.published),
                                "ratio": .number(averages.here / averages.published),
                            ]
                        }
                    }
                ),
            ],
        ]
    }

    private func json(_ row: GemmBench.Row) -> JSON {
        let optional = { (value: Double?) -> JSON in value.map(JSON.number) ?? .null }
        return [
            "shape": .string(row.product.name), "m": JSON(row.shape.m), "n": JSON(row.shape.n), "k": JSON(row.shape.k),
            "dtype": .string(row.type.rawValue), "x_type": .string(row.shape.x.rawValue),
            "w_type": .string(row.shape.w.rawValue), "y_type": .string(row.shape.y.rawValue),
            "median_ms": optional(row.timing?.median), "least_ms": optional(row.timing?.least),
            "greatest_ms": optional(row.timing?.greatest), "repetitions": JSON(row.timing?.sorted.count ?? 0),
            "warmups": JSON(row.timing?.warmups ?? 0), "tflops": optional(row.teraflops),
            "peak_tflops": optional(peak(row.type)),
            "share_of_peak": optional(Self.share(row.teraflops, peak(row.type))),
            "published_mi350x_tflops": optional(row.published),
            "ratio_to_mi350x": optional(Self.share(row.teraflops, row.published)),
            "checked_error": optional(row.error), "problem": row.problem.map(JSON.string) ?? .null,
        ]
    }

    private static func share(_ part: Double?, _ whole: Double?) -> Double? {
        part.flatMap { part in whole.map { part / $0 } }
    }
}
