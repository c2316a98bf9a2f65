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
    }

    /// What would be run, as commands for a shell; what is there already stands as a comment.
    ///
    /// - Parameter program: What the host is called.
    public func dryRun(program: String) -> String {
        var text = ""
        for leg in plan.legs {
            let state = LegInspector.state(of: leg)
            let title = "\(leg.scenario.rawValue) \(leg.kind.name)"
            text += "# \(title): \(state.fault.map(Self.oneLine) ?? "done")\n"
            let remaining = state.remaining(of: leg)
            for step in leg.steps {
                text += (remaining.contains(step) ? "" : "# ") + step.command.shell(program: program) + "\n"
            }
        }
        return text
    }

    /// Runs what is to be run.
    public func run() -> ExperimentReport {
        LatestLink.refresh(to: plan.folder, console)
        var results: [LegResult] = []
        var isInterrupted = false
        for (number, leg) in plan.legs.enumerated() {
            let title = "\(leg.scenario.rawValue) \(leg.kind.name) (\(number + 1) of \(plan.legs.count))"
            if isInterrupted {
                results.append(LegResult(leg: leg, verdict: .notRun, reason: "interrupted before it"))
                continue
            }
            let result = run(leg, title)
            isInterrupted = result.verdict == .interrupted
            results.append(result)
        }
        return ExperimentReport(folder: plan.folder, results: results)
    }

    private func run(_ leg: Leg, _ title: String) -> LegResult {
        let state = LegInspector.state(of: leg)
        guard let fault = state.fault else {
            console.note("\(title): done already, in \(leg.folder)")
            return finished(leg, exitStatus: nil, wasThere: true)
        }
        console.note("\(title): \(Self.oneLine(fault))")
        for step in state.remaining(of: leg) {
            console.note(step.command.shell(program: "host"))
            do {
                let (end, wasInterrupted) = try child.run(step.command)
                if wasInterrupted {
                    return LegResult(leg: leg, verdict: .interrupted, reason: "the same command goes on from here")
                }
                if case .signalled(let signal) = end {
                    let name = String(cString: strsignal(signal))
                    return LegResult(
                        leg: leg,
                        verdict: .error,
                        reason: "its process ended by signal \(signal) (\(name))"
                    )
                }
                guard case .exited(let status) = end, status != 0 else { continue }
                return judged(leg, step, status)
            } catch {
                return LegResult(leg: leg, verdict: .error, reason: "\(error)", exitStatus: RunStatus.failed.rawValue)
            }
        }
        return finished(leg, exitStatus: 0, wasThere: false)
    }

    /// The result of a leg whose command ended with another status than 0.
    private func judged(_ leg: Leg, _ step: Leg.Step, _ status: Int32) -> LegResult {
        let word: LegResult.Verdict =
            status != RunStatus.invalid.rawValue ? .error : step.purpose == .run ? .invalid : .failed
        return LegResult(
            leg: leg,
            verdict: word,
            metrics: LegMetrics.of(leg),
            reason: LegInspector.state(of: leg).fault ?? "exit status \(status): see what it printed",
            exitStatus: status
        )
    }

    private func finished(_ leg: Leg, exitStatus: Int32?, wasThere: Bool) -> LegResult {
        let fault = LegInspector.state(of: leg).fault
        return LegResult(
            leg: leg,
            verdict: fault == nil ? .ok : .error,
            metrics: LegMetrics.of(leg),
            reason: fault ?? "",
            wasThere: wasThere,
            exitStatus: exitStatus
        )
    }

    private static func oneLine(_ text: String) -> String { InOneLine.text(text) }
}
