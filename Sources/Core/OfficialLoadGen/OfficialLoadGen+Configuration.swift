extension OfficialLoadGen {
    /// The settings of a run: MLPerf's rules and the user.conf as the library reads them, and the seeds of the round.
    ///
    /// - Parameters:
    ///   - configuration: What the user asked for.
    ///   - model: The benchmark's name in the conf files.
    ///   - scenario: The scenario.
    /// - Returns: The settings, and whether the user.conf changes none of them.
    /// - Throws: `LoadGenError` for a bad conf file, and where the library carries another round's seeds than were asked for.
    func settings(
        _ configuration: RunConfiguration,
        model: String,
        scenario: Scenario
    ) throws(LoadGenError) -> (settings: TestSettings, confIsIdle: Bool) {
        let rules = try settings(model: model, scenario: scenario, userConf: nil)
        var settings = rules
        if let path = configuration.userConfPath {
            settings = try self.settings(model: model, scenario: scenario, userConf: path)
        }
        let isIdle = settings == rules && configuration.userConfPath != nil
        // A conf file may set a mode; the command line decides.
        settings.mode = configuration.mode
        let round = configuration.round
        if configuration.overrideSeeds {
            settings.qslRngSeed = round.qslRngSeed
            settings.sampleIndexRngSeed = round.sampleIndexRngSeed
            settings.scheduleRngSeed = round.scheduleRngSeed
        }
        guard
            settings.qslRngSeed == round.qslRngSeed, settings.sampleIndexRngSeed == round.sampleIndexRngSeed,
            settings.scheduleRngSeed == round.scheduleRngSeed
        else {
            throw .engine(
                reason:
                    "\(path) carries other seeds than those of \(round.rawValue); set override_seeds=true, or loadgen=podium"
            )
        }
        return (settings, isIdle)
    }
}
