import Glibc

/// LoadGen's settings as conf files and rules give them: MLPerf's rules, then the user's conf file.
///
/// What the command line puts over them depends on the data set: `RunConfiguration.apply(to:librarySampleCount:)`.
struct RequestedSettings {
    /// The settings.
    var settings = TestSettings()
    /// What the detail log is to say about the files.
    var messages: [LogMessage] = []
    /// What the user should be told, a sentence each.
    var notes: [String] = []

    /// The settings of an earlier run as its log has them.
    init(replaying test: ReplayedTest) {
        settings = test.logged
        messages = [LogMessage(key: "generic_message", text: "Replay of the schedule of \(test.source)")]
    }

    /// Applies the rules and reads the files that a configuration names.
    ///
    /// - Parameters:
    ///   - configuration: The files, the round, the mode, the benchmark.
    ///   - benchmark: MLPerf's name of what is run, where the configuration says nothing else.
    ///   - scenario: The scenario.
    ///   - engine: The official library, where it reads the files instead.
    /// - Throws: `LoadGenError.configurationFile` naming file, line and key.
    init(
        _ configuration: RunConfiguration,
        benchmark: String?,
        scenario: RequestedScenario,
        engine: OfficialLoadGen? = nil
    ) throws {
        settings.scenario = scenario.loadGenScenario
        settings.mode = configuration.mode
        var reader = SettingsReader(round: configuration.round, isLenient: configuration.isLenient)
        let model = scenario.confName(of: configuration.benchmark ?? benchmark ?? "*")
        if let engine {
            let found = try engine.settings(configuration, model: model, scenario: settings.scenario)
            settings = found.settings
            if found.confIsIdle { notes.append(Self.idle(configuration, model, settings.scenario)) }
            return
        }
        if let path = configuration.mlperfConfPath {
            guard let text = SettingsReader.read(path) else {
                throw LoadGenError.configurationFile(path: path, reason: String(cString: strerror(errno)))
            }
            guard reader.replaceBuiltInRules(with: text) == .applied else {
                throw LoadGenError.configurationFile(path: path, reason: reader.faults.joined(separator: "; "))
            }
        }
        if let path = configuration.userConfPath {
            var rules = reader
            var withoutFile = settings
            rules.applyBuiltInRules(model: model, scenario: settings.scenario, to: &withoutFile)
            let outcome = reader.apply(
                path: path,
                origin: .user,
                model: model,
                scenario: settings.scenario,
                to: &settings
            )
            guard outcome == .applied else {
                throw LoadGenError.configurationFile(path: path, reason: reader.faults.joined(separator: "; "))
            }
            notes = reader.notes
            if settings == withoutFile {
                notes.append(Self.idle(configuration, model, settings.scenario))
            }
        } else {
            reader.applyBuiltInRules(model: model, scenario: settings.scenario, to: &settings)
        }
        // mlperf.conf may set a mode; the command line decides.
        settings.mode = configuration.mode
        messages = reader.messages
        if configuration.isLenient {
            messages.append(
                LogMessage(key: "generic_message", text: "Lenient reading of settings and limits: no submission")
            )
        }
    }

    private static func idle(_ configuration: RunConfiguration, _ model: String, _ scenario: Scenario) -> String {
        "\(configuration.userConfPath ?? ""): no line changes anything for \(model) and \(scenario.rawValue)"
    }
}
