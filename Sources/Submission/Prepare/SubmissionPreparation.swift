public import JSON
internal import RunRecords

/// Makes a submission's tree from the results of an experiment.
public struct SubmissionPreparation: Sendable {
    /// What was planned or written.
    public struct Outcome: Sendable {
        /// The folder.
        public var output: String
        /// The round.
        public var round: String
        /// Paths below the folder, one in each line.
        public var listing: String
        /// What stands in the way, and what should be looked at.
        public var obstacles: [Obstacle]
        /// Whether the tree was written.
        public var isWritten: Bool

        /// Whether nothing stands in the way.
        public var isSubmittable: Bool { !obstacles.contains { $0.severity != .note } }

        /// The outcome for people.
        public var text: String {
            var text = ""
            for severity in [Obstacle.Severity.note, .refused, .missing] {
                for obstacle in obstacles where obstacle.severity == severity { text += obstacle.text + "\n" }
            }
            let count = listing.split(separator: "\n").count
            if isWritten {
                text += "\n\(output): \(count) files, round \(round)\n"
                text += "next: host submission check \(output) --round \(round)\n"
            } else {
                text += "\n\(listing)\n\(output), round \(round): \(count) files would be written\n"
                text += isSubmittable ? "" : "Nothing is written where a result cannot be submitted (see above).\n"
            }
            return text
        }

        /// The outcome for scripts.
        public var json: JSON {
            [
                "output": .string(output), "round": .string(round), "written": .bool(isWritten),
                "files": .array(listing.split(separator: "\n").map { .string(String($0)) }),
                "obstacles": .array(obstacles.map(\.json)),
            ]
        }
    }

    let request: SubmissionRequest
    let rules: RoundRules
    let experiment: Experiment
    var tree = PlannedTree()
    var obstacles: [Obstacle]
    /// Values for `measurements.json` that the submitter gives.
    private let given: JSONObject

    /// Prepares a submission.
    ///
    /// - Parameters:
    ///   - request: From what, and what.
    ///   - writes: Whether the tree is written; else it is only planned.
    /// - Returns: The tree's files and what stands in the way; nothing is written where something does.
    /// - Throws: ``SubmissionError`` for a request that cannot be understood, or a file that cannot be written.
    public static func run(_ request: SubmissionRequest, writes: Bool) throws(SubmissionError) -> Outcome {
        var preparation = try SubmissionPreparation(request)
        try preparation.plan()
        var outcome = Outcome(
            output: request.output,
            round: preparation.rules.name,
            listing: preparation.tree.listing,
            obstacles: preparation.obstacles,
            isWritten: false
        )
        if writes, outcome.isSubmittable || request.isForced, !outcome.listing.isEmpty {
            try preparation.tree.write(to: request.output)
            outcome.isWritten = true
        }
        return outcome
    }

    private init(_ request: SubmissionRequest) throws(SubmissionError) {
        try Self.check(request)
        self.request = request
        experiment = try Experiment(folder: request.experiment)
        obstacles = experiment.obstacles
        rules = try .named(Self.round(request, experiment))
        var given = JSONObject()
        if let path = request.measurements {
            let read = Self.json(path)
            guard case .object(let members)? = read.0 else {
                throw SubmissionError(what: path, reason: read.0 == nil ? read.1 : "is no JSON object")
            }
            given = members
        }
        self.given = given
    }

    /// Reads a JSON file that the request names.
    static func json(_ path: String) -> (JSON?, String) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let read = SubmissionFiles(root: folder).json(slash.map { String(path[path.index(after: $0)...]) } ?? path)
        return (read.json, read.fault)
    }

    private static func check(_ request: SubmissionRequest) throws(SubmissionError) {
        guard SystemDescriptionRules.inference6.statuses.contains(request.status) else {
            throw SubmissionError(
                what: "--status \(request.status)",
                reason: "is none: choose \(SystemDescriptionRules.inference6.statuses.joined(separator: ", "))"
            )
        }
        guard ["closed", "open"].contains(request.division) else {
            throw SubmissionError(what: "--division \(request.division)", reason: "is none: choose closed or open")
        }
        let isPlain = request.submitter.unicodeScalars.allSatisfy {
            $0.isASCII
                && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.".unicodeScalars.contains($0))
        }
        guard isPlain, !request.submitter.isEmpty, !request.submitter.hasPrefix(".") else {
            throw SubmissionError(
                what: "--submitter \(request.submitter)",
                reason: "becomes a folder: use letters, digits, '-', '_' and '.'"
            )
        }
        if let path = request.calibration, SubmissionFiles(root: ".").text(absolute: path) == nil {
            throw SubmissionError(what: path, reason: "cannot be read")
        }
    }

    /// The round that is asked for, or the one that all runs agree on.
    private static func round(_ request: SubmissionRequest, _ experiment: Experiment) throws(SubmissionError) -> String
    {
        if let round = request.round { return round }
        let records = experiment.scenarios.flatMap { [$0.performance.record, $0.accuracy.record] }.compactMap(\.self)
        let rounds = Set(records.map(\.round))
        guard let round = rounds.first, rounds.count == 1 else {
            throw SubmissionError(
                what: request.experiment,
                reason: rounds.isEmpty
                    ? "no run tells its round (run.json is missing); name it with --round"
                    : "holds runs of rounds \(rounds.sorted().joined(separator: " and ")); submit one of them with --round"
            )
        }
        return round
    }

    private mutating func plan() throws(SubmissionError) {
        let systems = Set(experiment.scenarios.map(\.system)).sorted()
        let texts = SubmissionTexts(request: request, rules: rules)
        let records = experiment.scenarios.compactMap(\.performance.record)
        let root = "\(request.division)/\(request.submitter)"
        for system in systems {
            let scenarios = experiment.scenarios.filter { $0.system == system }
            let name = try planSystem(system, of: systems, scenarios, root: root)
            for benchmark in Set(scenarios.map(\.benchmark)).sorted() {
                let group = scenarios.filter { $0.benchmark == benchmark }
                for model in variants(group) {
                    for scenario in group {
                        plan(
                            scenario,
                            model,
                            texts,
                            folder: "\(root)/results/\(name)/\(model.name)/\(scenario.scenario.rawValue)"
                        )
                    }
                }
            }
        }
        for scenario in experiment.scenarios { judge(scenario) }
        tree.write(texts.source(records), to: "\(root)/src/README.md")
        tree.write(texts.calibration(records), to: "\(root)/Documentation/calibration.md")
    }

    func measurements(_ texts: SubmissionTexts, _ record: RunRecord) -> String {
        texts.measurements(record, given: given).text(pretty: true) + "\n"
    }
}

extension SubmissionFiles {
    /// The text of a file that is named from the working folder; nil where it cannot be read.
    func text(absolute path: String) -> String? { SubmissionFiles(root: path).text(".").text }
}
