import CPluginAPI
import Glibc
import JSON
import RunRecords
import Synchronization

/// One benchmark run, from the configuration to the closed logs.
public final class BenchmarkRun: Sendable {
    private let configuration: RunConfiguration
    private let console: RunConsole
    private let words: [String]
    /// The earlier run whose queries are issued again.
    private let replay: ReplayedTest?
    private let faults = Mutex<[PluginFault]>([])
    /// The instances, where there are several.
    private let pool = Mutex<InstancePool?>(nil)
    /// The test under way, from its making to its end.
    private let current = Mutex<(any TestRun)?>(nil)

    /// A run that has not begun.
    ///
    /// - Parameters:
    ///   - configuration: What to run.
    ///   - console: Who is told.
    ///   - words: The words of the command line, for the run's record.
    ///   - replay: The earlier run whose queries are issued again, if there is one.
    public init(
        configuration: RunConfiguration,
        console: RunConsole,
        words: [String] = [],
        replay: ReplayedTest? = nil
    ) {
        self.configuration = configuration
        self.console = console
        self.words = words
        self.replay = replay
    }

    /// A run as a command line asks for it, which may be the replay of an earlier one.
    ///
    /// - Parameters:
    ///   - words: The command line behind the name of the program and of the subcommand.
    ///   - console: What a person sees.
    /// - Throws: `ConfigError`.
    public convenience init(words: [String], console: RunConsole) throws {
        let words = try ReplayedTest.words(words)
        var configuration = try RunConfiguration(words: words)
        let replay = try configuration.replay.map { folder throws(ConfigError) in try ReplayedTest(folder: folder) }
        if let replay { configuration.follow(replay) }
        self.init(configuration: configuration, console: console, words: words, replay: replay)
    }

    /// Runs it.
    ///
    /// - Parameter stuck: Called on another thread when the plugin never returns from a call, with the logs closed; it
    ///   is to report and end the process, since nothing else can end the plugin.
    /// - Returns: How it ended, with LoadGen's result and the plugin's faults.
    /// - Throws: `ConfigError`, `LoadGenError` or `PluginFault` for what keeps the run from beginning.
    public func execute(stuck: @escaping @Sendable (RunOutcome) -> Void) throws -> RunOutcome {
        for notice in configuration.notices { console.note(notice) }
        try refuseWhatIsNotThereYet()
        let scenario = try configuration.requiredScenario
        let engine = configuration.loadgen == .official ? try OfficialLoadGen() : nil
        let plugin = try openPlugin(
            named: configuration.plugin,
            isolated: configuration.isolate,
            limits: configuration.callLimits,
            log: console.log
        )
        let (workload, position) = try plugin.workload(named: configuration.workload)
        let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
        let resolved = try options.resolve(configuration.options)
        let requested =
            try replay.map { RequestedSettings(replaying: $0) }
            ?? RequestedSettings(configuration, benchmark: workload.benchmark, scenario: scenario, engine: engine)
        for note in requested.notes { console.note(note) }
        // What an audit.config changed stands in the log that is replayed.
        let audit = replay == nil ? try AuditConfiguration.find(configuration) : nil
        if let audit { console.note("\(audit.path) overrides the settings of this run (\(audit.test))") }
        let output = try configuration.outputLogDir ?? results(workload, scenario, audit).next()
        let lock = try OutputFolder.prepare(output)
        if configuration.outputLogDir == nil { console.note("results go to \(output)") }
        let record = RunRecordFile(folder: output, describe(workload, scenario, audit, .object(resolved)))
        try record.update { _ in }
        let interrupts = InterruptWatch { [weak self] signal in self?.interrupt(by: signal, record, stuck) }
        defer {
            interrupts?.stop()
            withExtendedLifetime(lock) {}
        }
        do {
            var outcome = try conduct(
                plugin,
                Preparation(
                    engine: engine,
                    position: position,
                    workload: workload,
                    options: .object(resolved),
                    requested: requested,
                    audit: audit,
                    output: output,
                    record: record
                ),
                stuck: stuck
            )
            do {
                outcome.hostNanosecondsPerSample = try HostCost.measure(
                    instances: configuration.instanceCount,
                    sharing: configuration.sharing
                )
            } catch {
                console.note("the host's own cost for each sample is not known: \(error)")
            }
            close(record, outcome)
            return outcome
        } catch {
            if let obstacle = record.finish(RunRecord.Status(RunStatus(error: error)), reasons: ["\(error)"]) {
                console.note(obstacle)
            }
            throw error
        }
    }

    /// What is decided before the plugin is started.
    private struct Preparation {
        var engine: OfficialLoadGen?
        var position: Int
        var workload: WorkloadDescription
        var options: JSON
        var requested: RequestedSettings
        var audit: AuditConfiguration?
        var output: String
        var record: RunRecordFile
    }

    private func conduct(
        _ plugin: any OpenPlugin,
        _ preparation: Preparation,
        stuck: @escaping @Sendable (RunOutcome) -> Void
    ) throws -> RunOutcome {
        let (workload, output) = (preparation.workload, preparation.output)
        try checkResources(preparation.record)
        let instance = try plugin.makeInstances(
            InstanceRequest(
                workload: preparation.position,
                role: "both",
                model: configuration.modelPath,
                dataset: configuration.datasetPath,
                options: preparation.options,
                device: configuration.device,
                deviceCount: configuration.devicesPerInstance,
                threads: configuration.threads > 0 ? configuration.threads : nil,
                limits: configuration.callLimits
            ),
            count: configuration.instanceCount,
            sharing: configuration.sharing
        )
        pool.withLock { $0 = instance as? InstancePool }
        let several = configuration.instanceCount > 1 ? " on \(configuration.instanceCount) instances" : ""
        console.note("preparing \(workload.id)\(several)")
        try instance.prepare()
        let underTest = try PluginUnderTest(
            instance,
            limit: configuration.totalSampleCount,
            selection: try selection(of: instance),
            observes: configuration.dumpsModelOutput
        ) { [weak self] in self?.note($0) }
        var settings = preparation.requested.settings
        if let replay {
            settings = try replay.settings(
                totalCount: underTest.totalCount,
                performanceCount: underTest.performanceCount
            )
        } else {
            configuration.apply(to: &settings, librarySampleCount: Int(clamping: underTest.librarySampleCount))
        }
        try preparation.record.update { record in
            record.settings = settings.json
            if underTest.totalCount < underTest.librarySampleCount, configuration.datasetSamplingSize == nil {
                record.keepFromSubmission(
                    "\(underTest.totalCount) of \(underTest.librarySampleCount) samples of the data set are used."
                )
            }
        }
        if replay == nil, configuration.mlperfConfPath == nil {
            let benchmark = configuration.benchmark ?? workload.benchmark ?? "*"
            let model = try configuration.requiredScenario.confName(of: benchmark)
            for note in LimitReview.notes(settings, model: model, round: configuration.round) { console.note(note) }
        }
        if settings.useTokenLatencies, !instance.abilities.hasTokens {
            throw ConfigError(
                "the benchmark is judged by token latencies, and \(workload.id) does not report tokens; "
                    + "choose another benchmark_name",
                key: "benchmark_name"
            )
        }

        var runOptions = LoadGenRun.Options()
        runOptions.round = configuration.round
        runOptions.hasTrace = configuration.enableLogTrace
        runOptions.isLenient = configuration.isLenient
        runOptions.configurationMessages = preparation.requested.messages
        runOptions.auditConfiguration = preparation.audit?.path
        let sampleTimes = SampleTimesRecord(folder: output)
        let latencies =
            configuration.recordsSampleLatencies
            ? configuration.latencyOutputPath ?? "\(output)/\(OutputFolder.sampleLatencies)" : nil
        runOptions.sampleTimes = { [console] times in
            if let obstacle = sampleTimes.write(times) { console.note(obstacle) }
            if let latencies, let obstacle = SampleLatencyFile.write(to: latencies, times) { console.note(obstacle) }
        }
        let run = try makeRun(preparation, settings, underTest, runOptions)
        current.withLock { $0 = run }
        instance.onFault { [weak self, weak run] fault in
            self?.note(fault)
            run?.abort(reason: "The plugin failed: \(fault)")
        }
        let dump = try modelOutput(of: instance, run, output)
        if let dump { underTest.observe(with: dump) }
        defer { finish(dump) }
        try instance.start(results: dump ?? run.responses)
        if configuration.enableWarmup {
            console.note("warming up")
            try instance.warmUp()
        }
        noteMisuse(run.ledger.misuse, of: instance)
        return try conduct(run, instance, dump) { [weak self] outcome in
            self?.finish(dump, within: 5)
            self?.close(preparation.record, outcome)
            stuck(outcome)
        }
    }

    private func makeRun(
        _ preparation: Preparation,
        _ settings: TestSettings,
        _ underTest: PluginUnderTest,
        _ options: LoadGenRun.Options
    ) throws -> any TestRun {
        let output = preparation.output
        guard let engine = preparation.engine else {
            return LoadGenRun(settings: settings, qsl: underTest, sut: underTest, output: output, options: options)
        }
        let overridesSeeds = try engine.overridesSeeds(settings, configuration)
        try preparation.record.update { $0.overridesSeeds = overridesSeeds }
        if overridesSeeds {
            console.note("seeds of \(configuration.round.rawValue) replace those that the official LoadGen carries")
        }
        return OfficialRun(
            engine: engine,
            settings: settings,
            qsl: underTest,
            sut: underTest,
            output: output,
            overridesSeeds: overridesSeeds,
            options: options
        )
    }

    private func conduct(
        _ run: any TestRun,
        _ instance: any PluginInstance,
        _ dump: ModelOutputFile?,
        stuck: @escaping @Sendable (RunOutcome) -> Void
    ) throws -> RunOutcome {
        let watchdog = configuration.watchdogSec.map { seconds in
            ProgressWatchdog(run: run, timeout: seconds) { [weak self, weak run] result in
                let call = run?.progress.stage == .flushing ? "flush" : "issue"
                let fault = PluginFault.hang(library: instance.library, call: call, seconds: seconds)
                self?.note(fault)
                var outcome = RunOutcome(
                    status: .pluginFault,
                    result: result,
                    faults: self?.faults.withLock { $0 } ?? [fault]
                )
                outcome.shares = self?.shares ?? []
                stuck(outcome)
            }
        }
        try watchdog?.start()
        let progress = configuration.printsFinished ? nil : console.showProgress(of: run)
        let finished = configuration.printsFinished ? FinishedLines(run) : nil
        let result: RunResult
        do {
            defer {
                progress?.stop()
                finished?.stop()
                watchdog?.stop()
            }
            result = try run.run()
        } catch {
            // The logs are closed; what the plugin did wrong before explains it better than what LoadGen saw of it.
            if let fault = faults.withLock({ $0.first }) { throw fault }
            throw error
        }
        // Its lines are text by the plugin's tokenizer, which must still be there.
        finish(dump)
        for step in [instance.stop, instance.destroy] where faults.withLock({ $0.isEmpty }) {
            do {
                try step()
            } catch let fault as PluginFault {
                note(fault)
            }
        }
        // What came after the logs were closed counts as well, unless it answers samples that were given up.
        noteMisuse(result.outstanding.count == 0 ? run.ledger.misuse : result.misuse, of: instance)
        let found = faults.withLock { $0 }
        if result.isValid, !found.isEmpty { OutputFolder.withdraw(result, because: found) }
        let status: RunStatus = !found.isEmpty ? .pluginFault : result.isValid ? .valid : .invalid
        var outcome = RunOutcome(status: status, result: result, faults: found)
        outcome.shares = shares
        return outcome
    }

    /// What each of several instances was given so far.
    private var shares: [InstanceShare] { pool.withLock { $0 }?.sharing ?? [] }

    private func selection(of instance: any PluginInstance) throws -> [UInt64]? {
        guard let size = configuration.datasetSamplingSize else { return nil }
        let sampling = DatasetSampling(
            size: size,
            bins: configuration.datasetSamplingBins,
            seed: UInt64(configuration.datasetSamplingSeed)
        )
        let chosen = try sampling.choose(from: DatasetSampling.lengths(of: instance))
        console.note("the run uses \(size) samples that were drawn from the data set by the lengths of their prompts")
        return chosen
    }

    private func modelOutput(
        of instance: any PluginInstance,
        _ run: any TestRun,
        _ output: String
    ) throws -> ModelOutputFile? {
        guard configuration.dumpsModelOutput else { return nil }
        let isText = instance.abilities.hasTokens && instance.abilities.offers(MLP_TOKENIZER)
        let decode: ModelOutputFile.Decoder = { [weak instance] tokens in try instance?.decode(tokens) ?? [] }
        return try ModelOutputFile(
            path: configuration.modelOutputPath ?? "\(output)/\(OutputFolder.modelOutput)",
            sink: run.responses,
            decode: isText ? decode : nil
        )
    }

    private func finish(_ dump: ModelOutputFile?, within seconds: Double = 60) {
        if let obstacle = dump?.finish(within: seconds) { console.note(obstacle) }
    }

    private func checkResources(_ record: RunRecordFile) throws {
        guard let manifest = configuration.resourceManifest else {
            if configuration.abortsOnResourceMismatch {
                console.note("there is no resource_manifest, so model and data set are not compared with anything")
            }
            return
        }
        let checker = ResourceChecker(
            model: configuration.modelPath,
            dataset: configuration.datasetPath,
            cachePath: configuration.resourceCache ?? HashCache.usualPath,
            progress: console.note
        )
        let found = try checker.check(manifest)
        for mismatch in found.mismatches { console.note("resources: \(mismatch)") }
        if found.mismatches.isEmpty { console.note("resources: \(found.checkedFiles) files are as in \(manifest)") }
        try record.update { record in
            record.resources = found
            if !found.mismatches.isEmpty {
                record.keepFromSubmission("Model or data set differ from \(manifest).")
            }
        }
        if configuration.abortsOnResourceMismatch, !found.mismatches.isEmpty {
            throw ConfigError(
                "model or data set differ from \(manifest): " + found.mismatches.joined(separator: "; "),
                key: ConfigKey.resourceManifest.name
            )
        }
    }

    /// Ends the run because of a signal: its logs are closed, what was measured stays, the result does not count.
    private func interrupt(
        by signal: Int32,
        _ record: RunRecordFile,
        _ stuck: @Sendable (RunOutcome) -> Void
    ) {
        let reason = "The run was interrupted (\(InterruptWatch.name(signal)))."
        console.note("interrupted; closing the logs. A second signal ends the process at once")
        guard let run = current.withLock({ $0 }) else {
            // Nothing is measured yet, and the plugin may take minutes to prepare.
            let outcome = RunOutcome(status: .invalid, result: nil)
            record.finish(.invalid, reasons: [reason])
            stuck(outcome)
            return
        }
        run.abort(reason: reason)
        let deadline = MonotonicClock.now() + 10_000_000_000
        while MonotonicClock.now() < deadline {
            if run.isFinished { return }
            MonotonicClock.sleep(until: MonotonicClock.now() + 5_000_000)
        }
        let result = run.finishFromWatchdog(reason: "The system under test did not return; the host ended the test.")
        if result == nil, run.isFinished { return }
        var outcome = RunOutcome(status: .invalid, result: result)
        outcome.shares = shares
        close(record, outcome, reasons: result == nil ? [reason] : [])
        stuck(outcome)
    }

    private func describe(
        _ workload: WorkloadDescription,
        _ scenario: RequestedScenario,
        _ audit: AuditConfiguration?,
        _ options: JSON
    ) -> RunRecord {
        var record = RunRecord()
        record.host = podiumVersion
        record.words = words
        record.plugin = configuration.plugin
        record.workload = workload.id
        record.workloadVersion = workload.version
        record.benchmark = configuration.benchmark ?? workload.benchmark ?? ""
        record.scenario = scenario.rawValue
        record.mode = configuration.mode.rawValue
        record.audit = audit?.test ?? ""
        record.system = systemName
        record.round = configuration.round.rawValue
        record.engine =
            configuration.loadgen == .official ? "official \(OfficialLoadGen.version)" : configuration.loadgen.rawValue
        record.overridesSeeds = configuration.overrideSeeds
        record.device = configuration.device.description
        record.deviceCount = configuration.deviceCount
        record.devicesPerInstance = configuration.devicesPerInstance
        record.sharing = configuration.instanceCount > 1 ? configuration.sharing.word : ""
        record.model = configuration.modelPath ?? ""
        record.dataset = configuration.datasetPath ?? ""
        record.userConf = configuration.userConfPath ?? ""
        record.options = options
        if let replay, let folder = configuration.replay, let obstacle = replay.obstacleToSubmission(folder: folder) {
            record.keepFromSubmission(obstacle)
        }
        if configuration.isLenient { record.keepFromSubmission("Settings and limits were read leniently (lenient).") }
        if configuration.dumpsModelOutput {
            record.keepFromSubmission("Every result was dumped (debug_dump_model_output).")
        }
        if configuration.datasetSamplingSize != nil {
            record.keepFromSubmission("The data set is a smaller one that was drawn (debug_dataset_sampling_size).")
        }
        if configuration.seedless { record.keepFromSubmission("The round's seeds were left out (seedless).") }
        return record
    }

    private func close(_ record: RunRecordFile, _ outcome: RunOutcome, reasons: [String] = []) {
        let reasons = reasons + (outcome.result?.reasons ?? []) + outcome.faults.map(\.description)
        let obstacle = record.finish(RunRecord.Status(outcome.status), reasons: reasons) { record in
            // An audit.config may have set another mode.
            if let result = outcome.result { record.mode = result.settings.mode.rawValue }
            record.hostNanosecondsPerSample = outcome.hostNanosecondsPerSample ?? 0
            record.instances = outcome.shares.map {
                RunRecord.Instance(name: $0.name, samples: $0.samples, unfinished: $0.unfinished)
            }
        }
        if let obstacle { console.note(obstacle) }
    }

    private func note(_ fault: PluginFault) {
        faults.withLock { faults in
            if !faults.contains(where: { $0.description == fault.description }) { faults.append(fault) }
        }
    }

    private func noteMisuse(_ misuse: SampleMisuse, of instance: any PluginInstance) {
        guard misuse != SampleMisuse() else { return }
        let reasons = misuse.reasons.joined(separator: " ")
        note(PluginFault(.contract, library: instance.library, call: "complete", reason: reasons))
    }

    private func refuseWhatIsNotThereYet() throws {
        guard configuration.role == .both, !configuration.usesCluster else {
            throw ConfigError(
                "a run over several processes is not there yet; use role=both and backend=local",
                key: "role"
            )
        }
        guard configuration.instanceCount <= InstancePool.mostInstances else {
            throw ConfigError(
                "\(configuration.instanceCount) instances are asked for; one process drives \(InstancePool.mostInstances)",
                key: ConfigKey.deviceCount.name
            )
        }
    }

    private var systemName: String { configuration.systemName ?? ResultsFolder.machineName() }

    private func results(
        _ workload: WorkloadDescription,
        _ scenario: RequestedScenario,
        _ audit: AuditConfiguration?
    ) -> ResultsFolder {
        ResultsFolder(
            results: configuration.resultsDir,
            system: systemName,
            benchmark: configuration.benchmark ?? workload.benchmark ?? workload.id,
            scenario: scenario,
            mode: configuration.mode,
            audit: audit?.test ?? ""
        )
    }
}
