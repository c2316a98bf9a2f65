public import JSON

/// What a submission is prepared from.
public struct SubmissionRequest: Sendable {
    /// The experiment's folder, which holds `<system>/<benchmark>/<Scenario>`.
    public var experiment: String
    /// The folder to write, which must not be there.
    public var output: String
    /// The submitter's name, which becomes a folder.
    public var submitter: String
    /// `closed` or `open`.
    public var division: String
    /// The round; nil for the one of the runs.
    public var round: String?
    /// A system description; nil to detect the machine.
    public var system: String?
    /// Values for `measurements.json` that hold over what the runs tell, a JSON file; nil for none.
    public var measurements: String?
    /// The text of `Documentation/calibration.md`; nil for what the runs tell.
    public var calibration: String?
    /// Where the implementation can be had; nil if nobody says.
    public var source: String?
    /// `highest`: the strictest accuracy variant that every scenario reaches; `all`; or a variant's name.
    public var variant = "highest"
    /// `datacenter`, `edge` or both, for a system that is detected.
    public var systemType = SystemType.datacenter
    /// `available`, `preview` or `rdi`, for a system that is detected.
    public var status = "rdi"
    /// Whether results that cannot be submitted are written all the same, for looking at the tree.
    public var isForced = false

    /// A request with the values that it cannot do without.
    public init(experiment: String, output: String, submitter: String, division: String) {
        self.experiment = experiment
        self.output = output
        self.submitter = submitter
        self.division = division
    }
}

/// Something that keeps a result out of a submission, or that its owner should know.
public struct Obstacle: Sendable, Equatable {
    /// What it means.
    public enum Severity: String, Sendable {
        /// There is nothing to submit: a file is missing or cannot be read.
        case missing
        /// There is a result that must not be submitted.
        case refused
        /// The submitter should look.
        case note
    }

    /// What it means.
    public var severity: Severity
    /// The file or folder.
    public var path: String
    /// What was found, and what to do.
    public var reason: String

    /// An obstacle from its parts.
    public init(_ severity: Severity, _ path: String, _ reason: String) {
        self.severity = severity
        self.path = path
        self.reason = reason
    }

    /// `refused: PATH: REASON`.
    public var text: String { "\(severity.rawValue): \(path): \(reason)" }

    /// The obstacle for scripts.
    public var json: JSON {
        ["severity": .string(severity.rawValue), "path": .string(path), "reason": .string(reason)]
    }
}
