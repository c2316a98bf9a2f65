extension OfficialLoadGen {
    /// The settings of a run: MLPerf's rules and the user.conf as the library reads them, and the seeds of the round.
    ///
    /// - Parameters:
    ///   - configuration: What the user asked for.
    ///   - model: The benchmark's name in the conf files.
    ///   - scenario: The scenario.
    /// - Returns: The settings, and whether the user.conf changes none of them.
    /// - Throws: `LoadGenError.configurationFile`.
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
        if configuration.overrideSeeds {
            settings.qslRngSeed = configuration.round.qslRngSeed
            settings.sampleIndexRngSeed = configuration.round.sampleIndexRngSeed
            settings.scheduleRngSeed = configuration.round.scheduleRngSeed
        }
        return (settings, isIdle)
    }

    /// Whether settings carry other seeds than those compiled into the library, wherever they come from.
    ///
    /// - Parameters:
    ///   - chosen: What a run is to do.
    ///   - configuration: What the user asked for.
    /// - Returns: Whether they differ.
    /// - Throws: `LoadGenError.engine` where they differ and the user did not say that they should.
    func overridesSeeds(_ chosen: TestSettings, _ configuration: RunConfiguration) throws(LoadGenError) -> Bool {
        let compiled = try settings(model: "*", scenario: chosen.scenario, userConf: nil)
        let differs =
            chosen.qslRngSeed != compiled.qslRngSeed || chosen.sampleIndexRngSeed != compiled.sampleIndexRngSeed
            || chosen.scheduleRngSeed != compiled.scheduleRngSeed
        guard !differs || configuration.overrideSeeds || configuration.seedless else {
            throw .engine(
                reason:
                    "the run is to have other seeds than \(path) carries; set override_seeds=true, which the report states, "
                    + "or loadgen=podium"
            )
        }
        return differs
    }
}
