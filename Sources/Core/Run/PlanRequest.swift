import JSON

/// What `host plan` was asked for.
public struct PlanRequest: Sendable {
    /// Samples in the library and samples that it loads at once; nil: the plugin says.
    public var library: (total: UInt64, performance: UInt64)?
    /// A JSON file with LoadGen's settings; nil: conf files and the usual words give them.
    public var settingsFile: String?
    /// A compliance test's audit.config, over the settings.
    public var auditFile: String?
    /// Settings as for a run; without a plugin, `model` is the name by which conf files are searched.
    public var words: [String]

    /// A request from its parts.
    ///
    /// - Parameters:
    ///   - library: `TOTAL,PERFORMANCE`; nil where a plugin or the settings file says it.
    ///   - settingsFile: See ``settingsFile``.
    ///   - auditFile: See ``auditFile``.
    ///   - words: See ``words``.
    /// - Throws: `ConfigError` where `library` is no pair of counts.
    public init(
        library: String? = nil,
        settingsFile: String? = nil,
        auditFile: String? = nil,
        words: [String] = []
    ) throws(ConfigError) {
        if let library {
            let counts = library.split(separator: ",", omittingEmptySubsequences: false).map { UInt64($0) }
            guard counts.count == 2, let total = counts[0], let performance = counts[1] else {
                throw ConfigError("expected TOTAL,PERFORMANCE, two counts of samples, found '\(library)'", key: "--qsl")
            }
            self.library = (total, performance)
        }
        self.settingsFile = settingsFile
        self.auditFile = auditFile
        self.words = words
    }

    /// Plans what is asked for.
    ///
    /// - Parameter console: Where the plugin's log lines go.
    /// - Returns: The plan, and what the user should be told about the settings.
    /// - Throws: `ConfigError`, `LoadGenError` or `PluginFault`.
    public func plan(console: RunConsole) throws -> (plan: TestPlan, notes: [String]) {
        let given = try ConfigWords.settings(of: words)
        let auditFile = try namedAudit(in: given)
        let audit = try auditFile.map(Self.text)
        var (plan, notes) = try plan(given, audit, console)
        if let audit, let auditFile {
            let conf = ConfValues(parsing: audit)
            let scenario = plan.settings.scenario
            notes += ConfReview.notes(on: conf, file: auditFile, origin: .audit, model: "*", scenario: scenario)
        }
        return (plan, notes)
    }

    /// The file of `--audit-conf`, or of the word `audit_conf`.
    private func namedAudit(in given: [ConfigSetting]) throws(ConfigError) -> String? {
        if let auditFile { return auditFile }
        var table = ConfigTable()
        try table.add(given)
        return try table.text(.auditConf)
    }

    private func plan(
        _ given: [ConfigSetting],
        _ audit: String?,
        _ console: RunConsole
    ) throws -> (plan: TestPlan, notes: [String]) {
        var table = ConfigTable()
        try table.add(given)
        if let folder = try table.text(.replay) {
            return try replayed(folder, given, audit)
        }
        let hasPlugin = table.setting(.plugin) != nil || table.setting(.configName) != nil
        if let settingsFile {
            return try planned(ofFile: settingsFile, given, hasPlugin: hasPlugin, audit, console)
        }
        if library != nil, table.setting(.plugin) != nil {
            throw ConfigError("contradicts the plugin, which says how many samples there are", key: "--qsl")
        }
        guard library != nil || hasPlugin else {
            throw ConfigError("how many samples there are is not known: give --plugin P or --qsl TOTAL,PERFORMANCE")
        }
        var configuration = try RunConfiguration(words: hasPlugin ? words : words + ["plugin=none"])
        let scenario = try configuration.requiredScenario
        guard configuration.datasetSamplingSize == nil else {
            throw ConfigError(
                "a data set that is drawn is known to a run alone; leave it out",
                key: ConfigKey.debugDatasetSamplingSize.name
            )
        }
        let counts: (total: UInt64, performance: UInt64)
        var benchmark: String?
        let whole: UInt64
        if let library {
            // There is no checkpoint here, so the model is the one of the conf files.
            configuration.benchmark = configuration.benchmark ?? configuration.modelPath
            let total = min(library.total, configuration.totalSampleCount.map(UInt64.init(clamping:)) ?? .max)
            counts = (total, min(library.performance, total))
            whole = library.total
            if let wanted = configuration.totalSampleCount, UInt64(clamping: wanted) > whole {
                throw ConfigError(
                    "\(wanted) samples: the library has \(whole)",
                    key: ConfigKey.totalSampleCount.name
                )
            }
        } else {
            (counts, whole, benchmark) = try Self.library(configuration, console)
        }
        let requested = try RequestedSettings(configuration, benchmark: benchmark, scenario: scenario)
        var notes = configuration.notices + requested.notes
        if let named = configuration.benchmark ?? benchmark,
            !SettingsReader.knownModels.contains(scenario.confName(of: named)), configuration.mlperfConfPath == nil
        {
            notes.append(Self.unknownModel(scenario.confName(of: named)))
        }
        var settings = requested.settings
        configuration.apply(to: &settings, librarySampleCount: Int(clamping: whole))
        // A run obeys one that its configuration names, or that lies in the working directory.
        var audit = audit
        if audit == nil, let found = try AuditConfiguration.find(configuration) {
            audit = try Self.text(found.path)
            notes.append("\(found.path) governs the plan, as it would the run")
        }
        return (
            try TestPlan(
                requested: settings,
                audit: audit,
                totalCount: counts.total,
                performanceCount: counts.performance
            ), notes
        )
    }

    /// The plan of an earlier run, from its log alone.
    private func replayed(
        _ folder: String,
        _ given: [ConfigSetting],
        _ audit: String?
    ) throws -> (plan: TestPlan, notes: [String]) {
        guard settingsFile == nil, audit == nil, given.count == 1 else {
            throw ConfigError("contradictory: the log in \(folder) alone decides what is planned", key: "replay")
        }
        let test = try ReplayedTest(folder: folder)
        let counts = library ?? (test.totalCount, test.performanceCount)
        let settings = try test.settings(totalCount: counts.total, performanceCount: counts.performance)
        return (try TestPlan(requested: settings, totalCount: counts.total, performanceCount: counts.performance), [])
    }

    private func planned(
        ofFile path: String,
        _ given: [ConfigSetting],
        hasPlugin: Bool,
        _ audit: String?,
        _ console: RunConsole
    ) throws -> (plan: TestPlan, notes: [String]) {
        try ConfigKey.refuseScheduleKeys(in: given, because: "the settings are those of \(path)")
        let root: JSONField
        do {
            root = JSONField(try JSON(contentsOfFile: path), at: path)
        } catch {
            throw ConfigError("\(error)", key: "--settings")
        }
        // A whole recorded case has its settings and its library as members.
        let settings = try TestSettings(root["settings"].optionalOrNil ?? root)
        var counts = library
        if counts == nil, let recorded = root["qsl"].optionalOrNil {
            do {
                counts = (try recorded["total"].uint64(), try recorded["perf"].uint64())
            } catch {
                throw ConfigError("\(error)", key: "--settings")
            }
        }
        if hasPlugin {
            guard counts == nil else {
                throw ConfigError("the plugin contradicts the sizes that --qsl or \(path) gives: leave one out")
            }
            counts = try Self.library(try RunConfiguration(words: words), console).counts
        } else if let word = given.first {
            throw ConfigError("has no effect beside --settings without a plugin", key: word.key, origin: word.origin)
        }
        guard let counts else {
            throw ConfigError("how many samples there are is not known: give --plugin P or --qsl TOTAL,PERFORMANCE")
        }
        return (
            try TestPlan(
                requested: settings,
                audit: audit,
                totalCount: counts.total,
                performanceCount: counts.performance
            ), []
        )
    }

    /// What the plugin says of its data set; the instance needs neither weights nor a device for that.
    private static func library(
        _ configuration: RunConfiguration,
        _ console: RunConsole
    ) throws -> (counts: (total: UInt64, performance: UInt64), whole: UInt64, benchmark: String?) {
        let plugin = try openPlugin(
            named: configuration.plugin,
            isolated: configuration.isolate,
            limits: configuration.callLimits,
            log: console.log
        )
        let (workload, position) = try plugin.workload(named: configuration.workload)
        let options = try WorkloadOptions(declaration: workload.options, workload: workload.id)
        let instance = try plugin.makeInstance(
            InstanceRequest(
                workload: position,
                role: "head",
                model: configuration.modelPath,
                dataset: configuration.datasetPath,
                options: .object(try options.resolve(configuration.options)),
                threads: 1,
                limits: configuration.callLimits
            )
        )
        try instance.prepare()
        let underTest = try PluginUnderTest(instance, limit: configuration.totalSampleCount)
        try instance.destroy()
        let counts = (underTest.totalCount, underTest.performanceCount)
        return (counts, UInt64(underTest.librarySampleCount), workload.benchmark)
    }

    private static func text(_ path: String) throws -> String {
        guard let text = SettingsReader.read(path) else {
            throw LoadGenError.configurationFile(path: path, reason: "it cannot be opened or read")
        }
        let values = ConfValues(parsing: text)
        if let complaint = values.complaints.first {
            throw LoadGenError.configurationFile(
                path: path,
                reason: "line \(complaint.line): \(complaint.key): \(complaint.reason)"
            )
        }
        return text
    }

    private static func unknownModel(_ name: String) -> String {
        let nearest = NearestName.of(name, among: SettingsReader.knownModels)
        return "MLPerf's rules have no model \(name); the general ones hold"
            + (nearest.map { "; did you mean \($0)?" } ?? "")
    }
}

extension ConfigKey {
    /// Keys that decide what is issued and when.
    private static let scheduleKeys: Set<String> = Set(
        [
            scenario, mode, round, benchmark, userConf, mlperfConf, targetQps, durationSec, accuracySampleCount,
            auditConf, minQueryCount, maxQueryCount, seedless, lenient,
        ].map(\.name)
    )

    /// Refuses words that would change what is issued where something else decides it.
    ///
    /// - Parameters:
    ///   - given: The words, read.
    ///   - reason: What decides it.
    /// - Throws: `ConfigError` at the first such word.
    static func refuseScheduleKeys(in given: [ConfigSetting], because reason: String) throws(ConfigError) {
        for setting in given where scheduleKeys.contains(byName[setting.key]?.name ?? setting.key) {
            throw ConfigError("contradictory: \(reason)", key: setting.key, origin: setting.origin)
        }
    }
}

extension JSONField {
    /// The member where the whole is an object that has it.
    fileprivate var optionalOrNil: JSONField? { try? optional }
}
