public import Compliance
public import Core
internal import Files
internal import Glibc
internal import RunRecords

/// One compliance test: its run in a child process, and its verification.
public struct AuditRun {
    /// What a test came to.
    public struct Outcome: Sendable {
        /// The exit status.
        public var status: RunStatus
        /// The verdict; nil where the run did not come to one.
        public var verdict: ComplianceVerdict?
        /// Why there is no verdict, or why a passed one does not count, a sentence each.
        public var reasons: [String] = []
        /// The test's folder.
        public var folder: String
    }

    private let request: AuditRequest
    private let configuration: RunConfiguration
    private let benchmark: String
    private let scenario: RequestedScenario
    private let folder: String
    private let console: RunConsole
    private let child: HostChild

    /// A test that has not begun.
    ///
    /// - Parameters:
    ///   - request: What is asked for.
    ///   - console: Who is told.
    ///   - executable: The host; nil: the program that runs.
    /// - Throws: `ConfigError` for words that no run would take, `PluginFault` for a plugin that cannot be opened.
    public init(_ request: AuditRequest, console: RunConsole, executable: String? = nil) throws {
        self.request = request
        self.console = console
        child = HostChild(executable: executable)
        configuration = try RunConfiguration(words: request.words)
        scenario = try configuration.requiredScenario
        let workload = try ExperimentPlan.Workload(configuration, console: console)
        let name = configuration.benchmark ?? workload.benchmark
        benchmark = name.map(RequiredLegs.family) ?? workload.id
        let tree = ExperimentTree(
            folder: configuration.resultsDir,
            system: ExperimentTree.systemName(configuration),
            benchmark: name ?? workload.id
        )
        folder = request.output ?? tree.compliance(request.test, scenario)
    }

    /// The words of the test's own run.
    static func runWords(words: [String], test: ComplianceTest, folder: String) -> [String] {
        words + [
            "test_mode=performance", "harness_config.output_log_dir=\(folder)/\(VerdictFolder.runFolder)",
            "harness_config.audit_conf_path=\(folder)/\(AuditConfiguration.fileName)",
        ]
    }

    /// Runs the test and verifies it.
    ///
    /// - Returns: How it ended; verdict files lie in the test's folder unless `verdict` is nil.
    /// - Throws: `ComplianceError` and `ExperimentError` for files that cannot be read or written.
    public func execute() throws -> Outcome {
        let audit = try auditConfiguration()
        try VerdictFolder.prepare(folder, test: request.test, audit: audit)
        let reference = try request.test.needsPerformanceReference ? referenceRun() : nil
        if case .stopped(let outcome) = reference { return outcome }

        console.note("\(request.test.rawValue), \(request.test.title): running it")
        let words = Self.runWords(words: request.words, test: request.test, folder: folder)
        let ended = try run(HostCommand(words))
        guard ended == .valid || ended == .invalid else { return Outcome(status: ended, reasons: [], folder: folder) }
        let logs = "\(folder)/\(VerdictFolder.runFolder)"
        var reasons: [String] = []
        if ended == .invalid, !request.test.needsValidRun {
            // Few queries, hence no early stopping: that is how the test is meant.  A run that went wrong is another matter.
            reasons = try DetailLogContents(folder: logs).errors.filter { $0.key == "error_runtime" }
                .map { $0.string ?? $0.key }
        }
        let verdict: ComplianceVerdict
        switch request.test {
        case .test01, .test04:
            guard case .folder(let reference) = reference else { return Outcome(status: .failed, folder: folder) }
            verdict = try TEST04Verification.verify(run: logs, reference: reference)
        case .test06:
            var options = TEST06Verification.Options(isOffline: scenario == .offline)
            options.endToken = request.endToken
            options.type = request.type
            verdict = try TEST06Verification.verify(run: logs, options: options)
        case .test07:
            let score = HostCommand(ScoringCommand.words(run: words))
            let scored = try run(score)
            guard scored == .valid || scored == .invalid else { return Outcome(status: scored, folder: folder) }
            verdict = TEST07Verification.verify(
                accuracy: try VerdictFolder.text(of: "\(logs)/accuracy.txt"),
                threshold: try limit(TEST07Verification.thresholdKey, in: audit)
            )
        case .test09:
            let keys = TEST09Verification.boundKeys
            let (least, most) = (try limit(keys.minimum, in: audit), try limit(keys.maximum, in: audit))
            guard least <= most else {
                throw ExperimentError(
                    "\(keys.minimum) = \(least) is above \(keys.maximum) = \(most) in the audit.config"
                )
            }
            verdict = try TEST09Verification.verify(run: logs, bounds: least...most)
        }
        // A verdict on a run that went wrong would be taken for one that counts.
        if reasons.isEmpty { try VerdictFolder.write(verdict, run: logs, to: folder) }
        let passed = verdict.passed && reasons.isEmpty
        return Outcome(status: passed ? .valid : .invalid, verdict: verdict, reasons: reasons, folder: folder)
    }

    private enum Reference {
        case folder(String)
        case stopped(Outcome)
    }

    /// The normal performance run: the one given, the one beside the test, or a new one.
    private func referenceRun() throws -> Reference {
        if let given = request.reference {
            for folder in [given, "\(given)/\(VerdictFolder.runFolder)"] where ExperimentFiles.hasSummary(folder) {
                return .folder(folder)
            }
            // `host scenarios` names the place where the run belongs; a wrong name is told only by there being nothing.
            guard given.hasSuffix(VerdictFolder.runFolder) else {
                throw ConfigError("there is no mlperf_log_summary.txt in \(given)", key: "--reference")
            }
        }
        let place = request.reference ?? Folder.parent(of: folder) + "/" + VerdictFolder.runFolder
        if ExperimentFiles.hasSummary(place) { return .folder(place) }
        console.note("\(request.test.rawValue): running its reference, the normal performance run, into \(place)")
        let words = request.words + ["test_mode=performance", "harness_config.output_log_dir=\(place)"]
        let ended = try run(HostCommand(words))
        guard ended == .valid else {
            return .stopped(
                Outcome(status: ended, reasons: ["The reference run in \(place) does not count."], folder: folder)
            )
        }
        return .folder(place)
    }

    private func run(_ command: HostCommand) throws -> RunStatus {
        let (end, wasInterrupted) = try child.run(command)
        if wasInterrupted { throw ExperimentError("interrupted; the same command begins the test again") }
        switch end {
        case .exited(let status): return RunStatus(rawValue: status) ?? .failed
        case .signalled: return .failed
        }
    }

    private func auditConfiguration() throws -> AuditConfiguration {
        do {
            if let path = request.auditConfiguration {
                return try AuditConfiguration(contentsOfFile: path).fillingItsQuery()
            }
            return try AuditConfiguration(request.test, benchmark: benchmark).fillingItsQuery()
        } catch {
            throw ConfigError(error.description, key: request.auditConfiguration == nil ? "--test" : "--audit-config")
        }
    }

    private func limit(_ key: String, in audit: AuditConfiguration) throws(ExperimentError) -> Double {
        guard let number = audit.number(key) else {
            throw ExperimentError("the audit.config has no line *.*.\(key) = NUMBER")
        }
        return number
    }
}
