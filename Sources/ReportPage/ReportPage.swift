internal import RunRecords

/// A report on runs: one page for people, the same numbers for programs.
///
///     let report = try ReportPage(folders: ["results/demo_server"])
///     report.html   // one file, which loads nothing
///     report.json
///
/// A folder is a run's or holds runs at any depth.  The page is made of what lies there: `run.json`, LoadGen's logs,
/// `samples.safetensors` and `accuracy.txt`; what is missing or broken is said on the page.  It works on the logs of the
/// official LoadGen alone, which have no times of single samples: then there are tables and no charts.
public struct ReportPage: Sendable {
    let title: String
    let runs: [ReportedRun]
    let comparisons: [Comparison]
    let made: String
    let madeBy: String

    /// Most runs that one page takes.
    public static let mostRuns = 200

    /// Reads the runs.
    ///
    /// - Parameters:
    ///   - folders: Folders of runs, or folders above them.
    ///   - title: The page's title; made from the runs when nil.
    ///   - made: When the page was made, for its foot; empty for none.
    ///   - madeBy: What made it, for its foot.
    /// - Throws: `ReportError` where a folder cannot be read or there is no run.
    public init(folders: [String], title: String? = nil, made: String = "", madeBy: String = "") throws(ReportError) {
        var paths: [String] = []
        for folder in folders {
            let found = try RunTree.runs(in: folder)
            guard !found.isEmpty else {
                throw ReportError(
                    "\(folder): there is no run in it; a run's folder holds \(RunTree.marks.joined(separator: ", or "))"
                )
            }
            for path in found where !paths.contains(path) { paths.append(path) }
        }
        guard !paths.isEmpty else { throw ReportError("name the folder of a run, or one above it") }
        guard paths.count <= Self.mostRuns else {
            throw ReportError(
                "\(paths.count) runs are too many for one page (\(Self.mostRuns)); name a folder further down"
            )
        }
        var runs = paths.map { ReportedRun(folder: $0) }
        for place in runs.indices { runs[place].label = Self.label(place) }
        for group in Comparison.groups(of: runs) {
            for (colour, place) in group.enumerated() { runs[place].colour = colour % 6 }
        }
        self.runs = runs
        comparisons = Comparison.all(of: runs)
        self.title = title ?? Self.title(of: runs)
        self.made = made
        self.madeBy = madeBy
    }

    /// How many runs the report is on.
    public var runCount: Int { runs.count }

    /// A letter, and two letters behind Z.
    private static func label(_ place: Int) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return place < letters.count ? String(letters[place]) : label(place / 26 - 1) + String(letters[place % 26])
    }

    private static func title(of runs: [ReportedRun]) -> String {
        if runs.count == 1, let run = runs.first {
            return [run.benchmark, run.scenario].filter { !$0.isEmpty }.joined(separator: ", ")
        }
        let benchmarks = Set(runs.map(\.benchmark).filter { !$0.isEmpty })
        let subject = benchmarks.count == 1 ? benchmarks.first.map { "\($0): " } ?? "" : ""
        return "\(subject)\(runs.count) runs"
    }
}
