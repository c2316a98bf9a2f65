internal import Compliance
internal import JSON

/// What the last invocation wrote of each leg, `experiment.json` in the experiment's folder.
///
/// Only the status of scoring is read back: nothing else in the folders says whether a score reached its target.
struct ExperimentRecord: Sendable {
    static let fileName = "experiment.json"

    /// The exit status of scoring, by the leg's folder.
    var scores: [String: Int32] = [:]

    /// Everything that was said of legs, by their folders.
    private(set) var legs: [(folder: String, content: JSON)] = []

    /// Reads the record of an experiment; empty where there is none that can be read.
    init(folder: String) {
        let path = "\(folder)/\(Self.fileName)"
        guard let content = try? JSON(contentsOfFile: path) else { return }
        guard let legs = try? JSONField(content, at: path)["legs"].array() else { return }
        for leg in legs {
            guard let folder = try? leg["folder"].string(), let content = try? leg.value else { continue }
            self.legs.append((folder, content))
            guard let status = try? leg["exit_status"].int(in: 0...255) else { continue }
            scores[folder] = Int32(status)
        }
    }

    /// Replaces the record: the legs of a report, and what was said of legs that it does not have.
    static func write(_ report: ExperimentReport, keeping earlier: ExperimentRecord) throws(ComplianceError) {
        try VerdictFolder.write(
            text: report.json(keeping: earlier.legs).text(pretty: true) + "\n",
            to: "\(report.folder)/\(fileName)"
        )
    }
}
