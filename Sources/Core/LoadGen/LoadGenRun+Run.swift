import Glibc
import Synchronization

extension LoadGenRun {
    /// Runs the test to its end.
    ///
    /// - Returns: Metrics and verdict. The logs are closed by then.
    /// - Throws: `LoadGenError` where settings or output folder do not allow a test, and what the sample library throws.
    public func run() throws -> RunResult {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw LoadGenError.wrongState("a LoadGenRun runs once; make another for the next test") }

        state.withLock { state in
            // An abort that came before the start holds.
            if state.abortReasons.isEmpty {
                ledger.begin()
            }
        }
        let hasTokens = requested.useTokenLatencies
        let logs = try RunLogs(
            folder: output,
            hasTokens: hasTokens,
            wantsFirstTokens: requested.scenario != .offline,
            hasTrace: options.hasTrace
        )
        state.withLock { $0.logs = logs }
        do {
            try conduct(logs)
        } catch {
            if isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged {
                logs.detail.entry("error_runtime", .text("\(error)"), severity: .error)
                logs.finish()
                ledger.retire()
                board.enter(.finished)
                throw error
            }
        }
        return finish(logs)
    }

    private func conduct(_ logs: RunLogs) throws {
        writePreamble(logs)
        let settings = try applyOverrides(logs)
        state.withLock { $0.settings = settings }
        for message in settings.messages {
            logs.detail.entry(message)
        }
        for entry in settings.requestedEntries() + settings.effectiveEntries() {
            logs.detail.entry(entry.key, entry.value)
        }
        let logged = Set(settings.requestedEntries().map { String($0.key.dropFirst("requested_".count)) })
        if let exact = settings.requested.exactText(logged: logged) {
            logs.detail.entry("generic_message", .text(exact))
        }
        logs.detail.flush()
        var sequence = SampleSequence()
        switch settings.mode {
        case .accuracyOnly:
            try runAccuracy(settings, &sequence, logs)
        case .performanceOnly:
            try runPerformance(settings, &sequence, logs)
        case .submissionRun:
            try runAccuracy(settings, &sequence, logs)
            if !ledger.isStopped {
                try runPerformance(settings, &sequence, logs)
            }
        case .findPeakPerformance:
            try findPeak(settings, &sequence, logs)
        }
    }

    private func writePreamble(_ logs: RunLogs) {
        let detail = logs.detail
        let date = WallClock.now().iso8601
        let before = MonotonicClock.now()
        let sutName = sut.name
        let nameDuration = MonotonicClock.now() - before
        detail.entry("loadgen_version", .text(LoadGenVersion.text))
        for key in ["build_date_local", "build_date_utc", "git_commit_date", "git_log_message"] {
            detail.entry("loadgen_\(key)", .text("NA"))
        }
        detail.entry("loadgen_git_status_message", .text(""))
        detail.entry("loadgen_file_sha1", .dictionary([]))
        detail.entry("test_datetime", .text(date))
        detail.entry("sut_name", .text(sutName))
        detail.entry("get_sut_name_duration_ns", .integer(nameDuration))
        detail.entry("qsl_name", .text(qsl.name))
        detail.entry("qsl_reported_total_count", .count(qsl.totalCount))
        detail.entry("qsl_reported_performance_count", .count(qsl.performanceCount))
        if let round = options.round {
            detail.entry("generic_message", .text("Random seeds of MLPerf Inference \(round.rawValue)"))
        }
        for message in options.configurationMessages {
            detail.entry(message)
        }
    }

    private func applyOverrides(_ logs: RunLogs) throws -> EffectiveSettings {
        let audit = options.auditConfiguration.flatMap(SettingsReader.read)
        let (settings, messages) = requested.overridden(byAudit: audit)
        for message in messages {
            logs.detail.entry(message)
        }
        if settings.serverNumIssueQueryThreads > 0 && settings.scenario == .server {
            logs.detail.entry(
                .warning("server_num_issue_query_threads is ignored: queries are issued by one thread")
            )
        }
        return try EffectiveSettings(
            settings,
            performanceCount: qsl.performanceCount,
            totalCount: qsl.totalCount
        )
    }

    private func load(_ set: LoadableSet, _ logs: RunLogs) throws {
        logs.detail.entry("loaded_qsl_set", .indices(set.indices))
        try qsl.load(set.indices)
    }

    private func runAccuracy(_ settings: EffectiveSettings, _ sequence: inout SampleSequence, _ logs: RunLogs) throws {
        logs.detail.entry("generic_message", .text("Starting accuracy mode"))
        let sets = LoadableSet.sets(settings: settings, totalCount: qsl.totalCount, mode: .accuracyOnly)
        board.announce(phases: sets.count + (settings.mode == .submissionRun ? 1 : 0))
        for set in sets where !ledger.isStopped {
            try load(set, logs)
            let plan = try QueryPlan(settings: settings, loaded: set, mode: .accuracyOnly, sequence: &sequence)
            _ = try runPhase(settings, plan, logs)
            guard !ledger.isStopped else { return }
            board.enter(.preparing)
            try qsl.unload(set.indices)
        }
    }

    private func runPerformance(
        _ settings: EffectiveSettings,
        _ sequence: inout SampleSequence,
        _ logs: RunLogs
    ) throws {
        logs.detail.entry("generic_message", .text("Starting performance mode"))
        if settings.mode == .performanceOnly {
            board.announce(phases: 1)
        }
        let (set, harvest) = try runPerformancePhase(settings, &sequence, logs)
        guard !ledger.isStopped else { return }
        report(judge(settings, harvest), logs)
        try qsl.unload(set.indices)
    }

    private func runPerformancePhase(
        _ settings: EffectiveSettings,
        _ sequence: inout SampleSequence,
        _ logs: RunLogs
    ) throws -> (LoadableSet, SampleLedger.Harvest) {
        guard let set = LoadableSet.sets(settings: settings, totalCount: qsl.totalCount, mode: .performanceOnly).first
        else {
            throw LoadGenError.emptyPlan(reason: "the library has no sample")
        }
        try load(set, logs)
        return (set, try runPhase(settings, loaded: set, &sequence, logs))
    }

    private func runPhase(
        _ settings: EffectiveSettings,
        loaded set: LoadableSet,
        _ sequence: inout SampleSequence,
        _ logs: RunLogs
    ) throws -> SampleLedger.Harvest {
        let before = ClockPair.now()
        printTimestamp("start", before.wall, settings)
        let plan = try QueryPlan(settings: settings, loaded: set, mode: .performanceOnly, sequence: &sequence)
        let harvest = try runPhase(settings, plan, logs)
        let after = ClockPair.now()
        printTimestamp("stop", after.wall, settings)
        compareClocks(monotonic: after.monotonic - before.monotonic, wall: after.wall.since(before.wall), logs)
        return harvest
    }

    /// `print_timestamps`: on standard output, where scripts around the official library look for it.
    private func printTimestamp(_ moment: String, _ time: WallClock, _ settings: EffectiveSettings) {
        guard settings.requested.printTimestamps else { return }
        let seconds = time.nanosecondsSinceEpoch / 1_000_000_000
        print("Loadgen :: Perf mode \(moment). system_clock Timestamp = \(seconds)")
        fflush(nil)
    }

    /// The official check compares whole milliseconds, which trips over short runs; nanoseconds do not.
    private func compareClocks(monotonic: Int64, wall: Int64, _ logs: RunLogs) {
        let ratio = Float(monotonic) / Float(wall)
        let shown = "pc_sc_ratio: \(DefaultNumberFormat.text(Double(ratio)))"
        if ratio > 1.01 || ratio < 0.99 {
            logs.detail.entry(
                .error("error_runtime", "PerfClock and system_clock differ by more than 1%!  \(shown)")
            )
        } else if ratio > 1.001 || ratio < 0.999 {
            logs.detail.entry(.warning("PerfClock and system_clock differ by more than 0.1%!  \(shown)"))
        }
    }

    private func judge(_ settings: EffectiveSettings, _ harvest: SampleLedger.Harvest) -> PerformanceSummary {
        PerformanceSummary(
            sutName: sut.name,
            settings: settings,
            measurements: harvest.measurements,
            hostReasons: hostReasons()
        )
    }

    /// Writes the verdict unless another thread has taken over.
    private func report(_ summary: PerformanceSummary, _ logs: RunLogs) {
        board.enter(.reporting)
        guard !isClaimed.load(ordering: .acquiring) else { return }
        for reason in summary.validity.hostReasons {
            logs.detail.entry(.error("error_runtime", reason))
        }
        logs.write(summary)
        state.withLock { $0.summary = summary }
    }

    // MARK: - The search for the peak rate

    private func findPeak(_ base: EffectiveSettings, _ sequence: inout SampleSequence, _ logs: RunLogs) throws {
        func say(_ text: String) {
            logs.detail.entry("generic_message", .text(text))
        }
        func shown(_ settings: EffectiveSettings) -> String { DefaultNumberFormat.fixed(settings.targetQps, digits: 6) }

        say("Starting FindPeakPerformance mode")
        guard base.scenario == .server else {
            logs.detail.entry(
                .error(
                    "error_invalid_config",
                    "Finding peak performance is only supported in Server scenarios."
                )
            )
            abort(reason: "Finding peak performance is only supported in Server scenarios.")
            return
        }
        let step = base.requested.serverFindPeakQpsBoundaryStepSize
        guard step > 0, step.isFinite else {
            throw LoadGenError.invalidSetting(
                name: "server_find_peak_qps_boundary_step_size",
                value: "\(step)",
                reason: "must be above 0"
            )
        }
        say("FindPeakPerformance: Check validity of the base settings field: \(shown(base))")
        var (set, harvest) = try runPerformancePhase(base, &sequence, logs)
        guard !ledger.isStopped else { return }
        var lower = judge(base, harvest)
        guard lower.validity.performanceConstraintsMet else {
            logs.detail.entry(
                .error(
                    "error_runtime",
                    ("FindPeakPerformance: Initial lower bound does not satisfy performance constraints, msg: "
                        + lower.validity.performanceAdvice)
                )
            )
            report(lower, logs)
            try qsl.unload(set.indices)
            return
        }
        try qsl.unload(set.indices)

        var upper = lower
        repeat {
            lower = upper
            var wider = lower.settings
            wider.targetQps *= 1 + step
            say("FindBoundaries: Checking fields [\(shown(lower.settings)), \(shown(wider)))")
            (set, harvest) = try runPerformancePhase(wider, &sequence, logs)
            guard !ledger.isStopped else { return }
            upper = judge(wider, harvest)
            try qsl.unload(set.indices)
        } while upper.validity.performanceConstraintsMet
        say("FindPeakPerformance: Found boundaries: [\(shown(lower.settings)), \(shown(upper.settings)))")

        try load(set, logs)
        var scale = 1.0
        for _ in 0..<min(base.requested.serverFindPeakQpsDecimalsOfPrecision, 12) {
            scale *= 10
        }
        while (lower.settings.targetQps * scale).rounded(.down) + 1 < (upper.settings.targetQps * scale).rounded(.down)
        {
            var middle = lower.settings
            middle.targetQps += (upper.settings.targetQps - lower.settings.targetQps) / 2
            say(
                "FindPeakPerformanceBinarySearch: Testing the mid value of bounds [\(shown(lower.settings)), "
                    + "\(shown(upper.settings))): \(shown(middle))"
            )
            harvest = try runPhase(middle, loaded: set, &sequence, logs)
            guard !ledger.isStopped else { return }
            let tested = judge(middle, harvest)
            if tested.validity.performanceConstraintsMet {
                lower = tested
            } else {
                upper = tested
            }
        }
        say("FindPeakPerformance: Found peak performance field: \(shown(lower.settings))")
        report(judge(lower.settings, lower.measurements), logs)
        try qsl.unload(set.indices)
    }

    private func judge(_ settings: EffectiveSettings, _ measurements: RunMeasurements) -> PerformanceSummary {
        PerformanceSummary(
            sutName: sut.name,
            settings: settings,
            measurements: measurements,
            hostReasons: hostReasons()
        )
    }
}
