internal import JSON

/// Explains what the official submission checker would reject in a tree, and what a review would.
///
/// Source of the rules: mlcommons/inference, tools/submission/submission_checker at commit b66003e1; each check here
/// names the one that it stands for by its subject.  Where that program stops with an exception, the finding says so.
public struct SubmissionCheck {
    let files: SubmissionFiles
    let rules: RoundRules
    var report: CheckReport

    static let divisions = ["closed", "network", "open"]
    static let stops = "the official checker stops here and judges nothing else"

    /// Checks a tree.
    ///
    /// - Parameters:
    ///   - tree: The folder that holds `closed` or `open`.
    ///   - rules: The round.
    /// - Returns: Findings and results.
    /// - Throws: ``SubmissionError`` where the folder is none.
    public static func run(tree: String, rules: RoundRules) throws(SubmissionError) -> CheckReport {
        var check = SubmissionCheck(
            files: SubmissionFiles(root: tree),
            rules: rules,
            report: CheckReport(tree: tree, round: rules.name)
        )
        guard check.files.kind(".") == .folder else {
            throw SubmissionError(what: tree, reason: "is no folder; name the one that holds closed/ or open/")
        }
        check.checkTree()
        return check.report
    }

    mutating func reject(_ rule: String, _ path: String, found: String, expected: String, advice: String) {
        report.findings.append(
            SubmissionFinding(.rejected, rule, path, found: found, expected: expected, advice: advice)
        )
    }

    mutating func review(_ rule: String, _ path: String, found: String, expected: String, advice: String) {
        report.findings.append(SubmissionFinding(.review, rule, path, found: found, expected: expected, advice: advice))
    }

    mutating func leave(_ rule: String, _ path: String, found: String) {
        report.findings.append(
            SubmissionFinding(
                .unjudged,
                rule,
                path,
                found: found,
                expected: "something that these rules cover",
                advice: "run the official checker"
            )
        )
    }

    private mutating func checkTree() {
        var submitters = 0
        for division in files.folders(in: ".") where Self.divisions.contains(division) {
            for submitter in files.folders(in: division) {
                submitters += 1
                checkSubmitter(division: division, folder: "\(division)/\(submitter)", submitter: submitter)
            }
        }
        if submitters == 0 {
            review(
                "tree",
                ".",
                found: "no submitter's folder in closed/, open/ or network/",
                expected: "DIVISION/SUBMITTER/results",
                advice:
                    "name the folder that holds the divisions; the official checker finds nothing to object to in none"
            )
        }
        checkRepository()
    }

    private mutating func checkSubmitter(division: String, folder: String, submitter: String) {
        let results = "\(folder)/results"
        guard files.kind(results) == .folder else {
            return reject(
                "results",
                results,
                found: "no such folder; \(Self.stops)",
                expected: "results of each system",
                advice: "write the tree with host submission prepare, or remove \(folder)"
            )
        }
        guard let mapping = modelMapping(division: division, folder: folder) else { return }
        for system in files.folders(in: results) {
            checkSystem(
                SystemContext(division: division, submitter: submitter, folder: folder, name: system, mapping: mapping)
            )
        }
        if !files.exists("\(folder)/Documentation/calibration.md"),
            !files.exists("\(folder)/documentation/calibration.md")
        {
            review(
                "calibration",
                "\(folder)/Documentation/calibration.md",
                found: "no such file",
                expected: "how weights were quantised and calibrated, or that they were not",
                advice: "write it; the rules of the round ask for it"
            )
        }
    }

    /// Names of one's own for models, open division; nil where the file cannot be read.
    private mutating func modelMapping(division: String, folder: String) -> [String: String]? {
        let path = "\(folder)/model_mapping.json"
        guard division == "open", files.exists(path) else { return [:] }
        let found = files.json(path)
        guard case .object(let members)? = found.json else {
            reject(
                "model-mapping",
                path,
                found: found.json == nil ? "\(found.fault); \(Self.stops)" : "no object",
                expected: "an object of names of yours and MLPerf's",
                advice: "correct or remove the file"
            )
            return nil
        }
        var mapping: [String: String] = [:]
        for (key, value) in members { mapping[key] = value.asText }
        return mapping
    }
}

/// Whose results are being checked.
struct SystemContext {
    var division: String
    var submitter: String
    /// The submitter's folder.
    var folder: String
    /// The system's name.
    var name: String
    var mapping: [String: String]

    var isOpen: Bool { division == "open" }
    var results: String { "\(folder)/results/\(name)" }
    var description: String { "\(folder)/systems/\(name).json" }
    var source: String { "\(folder)/src" }
}
