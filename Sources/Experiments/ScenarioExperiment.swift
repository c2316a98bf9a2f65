public import Core
internal import Glibc
internal import RunRecords

/// All legs of some scenarios, each as commands of the host in processes of their own.
///
/// What an earlier invocation completed with the same settings is kept; what is missing, was cut off or does not count is
/// done again.  A leg that fails does not keep the others from being run.
public struct ScenarioExperiment {
    /// The legs.
    public let plan: ExperimentPlan

    private let console: RunConsole
    private let child: HostChild
    private let earlier: ExperimentRecord

    /// An experiment that has not begun.
    ///
    /// - Parameters:
    ///   - plan: The legs.
    ///   - console: Who is told.
    ///   - executable: The host; nil: the program that runs.
    public init(_ plan: ExperimentPlan, console: RunConsole, executable: String? = nil) {
        self.plan = plan
        self.console = console
        child = HostChild(executable: executable)
        earlier = ExperimentRecord(folder: plan.folder)
    }

    /// What would be run, as commands for a shell; what is there already stands as a comment.
    ///
    /// - Parameter program: What the host is called.
    /// - Returns: The text, ending in a line feed.
    public func dryRun(program: String) -> String {
        var text = ""
        for leg in plan.legs {
            let state = state(of: leg)
            let title = "\(leg.scenario.rawValue) \(leg.kind.name)"
            text += "# \(title): \(state.fault.map { InOneLine.text($0) } ?? "done")\n"
            let remaining = state.remaining(of: leg)
            for step in leg.steps {
                text += (remaining.contains(step) ? "" : "# ") + step.command.shell(program: program) + "\n"
            }
        }
        return text
    }

    /// Runs what is to be run.
    ///
    /// - Returns: What came of every leg; it also lies in the experiment's folder, as `experiment.json`.
    public func run() -> ExperimentReport {
        LatestLink.refresh(to: plan.folder, console)
        var results: [LegResult] = []
        var isInterrupted = false
        for (number, leg) in plan.legs.enumerated() {
            if isInterrupted {
                results.append(LegResult(leg: leg, verdict: .notRun, reason: "interrupted before it"))
                continue
            }
            let title = "\(leg.scenario.rawValue) \(leg.kind.name) (\(number + 1) of \(plan.legs.count))"
            let result = run(leg, title)
            isInterrupted = result.verdict == .interrupted
            results.append(result)
        }
        let report = ExperimentReport(folder: plan.folder, results: results)
        do {
            try ExperimentRecord.write(report, keeping: earlier)
        } catch {
            console.note("\(error)")
        }
        return report
    }

    private func state(of leg: Leg) -> LegState {
        LegInspector.state(of: leg, record: earlier, division: plan.division)
    }

    private func run(_ leg: Leg, _ title: String) -> LegResult {
        let state = state(of: leg)
        guard let fault = state.fault else {
            console.note("\(title): done already, in \(leg.folder)")
            return LegResult(
                leg: leg,
                verdict: .ok,
                metrics: LegMetrics.of(leg),
                reason: belowTarget(earlier.scores[leg.folder]),
                wasThere: true,
                exitStatus: earlier.scores[leg.folder]
            )
        }
        console.note("\(title): \(InOneLine.text(fault))")
        var status = RunStatus.valid.rawValue
        for step in state.remaining(of: leg) {
            console.note(step.command.shell(program: "host"))
            do {
                let (end, wasInterrupted) = try child.run(step.command)
                if wasInterrupted {
                    return LegResult(leg: leg, verdict: .interrupted, reason: "the same command goes on from here")
                }
                switch end {
                case .exited(let code): status = code
                case .signalled(let signal):
                    let name = String(cString: strsignal(signal))
                    return LegResult(
                        leg: leg,
                        verdict: .error,
                        reason: "its process ended by signal \(signal) (\(name))"
                    )
                }
            } catch {
                return LegResult(leg: leg, verdict: .error, reason: "\(error)", exitStatus: RunStatus.failed.rawValue)
            }
            if status != RunStatus.valid.rawValue { return ended(leg, step, status) }
        }
        let steps = state.remaining(of: leg)
        return steps.last.map { ended(leg, $0, status) } ?? LegResult(leg: leg, verdict: .ok)
    }

    /// The result of a leg whose last command was a step.
    private func ended(_ leg: Leg, _ step: Leg.Step, _ status: Int32) -> LegResult {
        // What the command left is judged as a later invocation will judge it.
        var record = earlier
        if step.purpose == .score { record.scores[leg.folder] = status }
        let fault = LegInspector.state(of: leg, record: record, division: plan.division).fault
        let verdict: LegResult.Verdict =
            switch (status, fault) {
            case (_, nil): .ok
            case (RunStatus.invalid.rawValue, _): step.purpose == .run ? .invalid : .failed
            default: .error
            }
        // A command that failed before its run began leaves the folder as it was: then it is the status that says something.
        let reason =
            verdict == .error
            ? "exit status \(status): its messages stand above"
            : fault ?? (step.purpose == .score ? belowTarget(status) : "")
        return LegResult(
            leg: leg,
            verdict: verdict,
            metrics: LegMetrics.of(leg),
            reason: reason,
            exitStatus: status
        )
    }

    private func belowTarget(_ status: Int32?) -> String {
        status == RunStatus.invalid.rawValue ? "below the target of the closed division" : ""
    }
}
