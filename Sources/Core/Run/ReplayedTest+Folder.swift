import RunRecords

extension ReplayedTest {
    /// Reads the log of a run's folder.
    ///
    /// - Parameter folder: The folder.
    /// - Throws: `ConfigError` where the log cannot be read or replayed.
    public init(folder: String) throws(ConfigError) {
        let log: DetailLogContents
        do {
            log = try DetailLogContents(folder: folder)
        } catch {
            throw ConfigError("\(error)", key: ConfigKey.replay.name)
        }
        try self.init(log)
    }

    /// The words that a replay stands for: those of the earlier run, then those given now.
    ///
    /// - Parameter words: The command line behind the name of the program and of the subcommand.
    /// - Returns: The same words where they ask for no replay.
    /// - Throws: `ConfigError` for words that would change what is issued, for a folder without a readable `run.json` where
    ///   no plugin is given, and for a folder that would be overwritten.
    public static func words(_ words: [String]) throws(ConfigError) -> [String] {
        let given = try ConfigWords.settings(of: words)
        var table = ConfigTable()
        try table.add(given)
        guard let folder = try table.text(.replay) else { return words }
        try ConfigKey.refuseScheduleKeys(in: given, because: "the log in \(folder) decides what is issued")
        let output = try table.text(.outputLogDir)
        guard output.map(OutputFolder.canonical) != OutputFolder.canonical(folder) else {
            throw ConfigError("is the folder whose log is replayed: give another", key: ConfigKey.outputLogDir.name)
        }
        var all = words
        if table.setting(.plugin) == nil, table.setting(.configName) == nil {
            do {
                let recorded = try RunRecord(folder: folder).words
                all = (recorded.first == "run" ? Array(recorded.dropFirst()) : recorded) + words
            } catch {
                throw ConfigError(
                    "\(error); without the run's record give --plugin P and its settings",
                    key: ConfigKey.replay.name
                )
            }
        }
        guard output == nil else { return all }
        var place = "\(folder)/replay"
        var number = 2
        while OutputFolder.state(place) != .free {
            place = "\(folder)/replay.\(number)"
            number += 1
        }
        return all + ["\(ConfigKey.outputLogDir.name)=\(place)"]
    }

    /// Why a replay of the folder is not offered for a submission; nil if it is as good as the run was.
    func obstacleToSubmission(folder: String) -> String? {
        guard isExact else { return "A replay of a log that rounds its settings, \(folder)." }
        guard let record = try? RunRecord(folder: folder) else {
            return "A replay of a run without run.json, \(folder)."
        }
        return record.isForSubmission ? nil : "A replay of a run that was not for submission, \(folder)."
    }
}

extension RunConfiguration {
    /// Takes what is issued from an earlier run instead of from words and files.
    mutating func follow(_ test: ReplayedTest) {
        if scenario?.loadGenScenario != test.logged.scenario {
            scenario = RequestedScenario(rawValue: test.logged.scenario.rawValue)
        }
        mode = test.logged.mode
        round = MLPerfRound.allCases.first { $0.scheduleRngSeed == test.logged.scheduleRngSeed } ?? round
        userConfPath = nil
        mlperfConfPath = nil
        seedless = false
    }
}
