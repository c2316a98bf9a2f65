extension TestSettings {
    /// The settings that a test begins with: `audit.config` and the test05 flag over what was requested.
    ///
    /// - Parameter audit: The text of the compliance test's `audit.config`; nil where there is none.
    /// - Returns: The settings, and what the official LoadGen logs about the change.
    func overridden(byAudit audit: String?) -> (settings: TestSettings, messages: [LogMessage]) {
        var settings = self
        var messages: [LogMessage] = []
        if let audit {
            messages.append(
                .warning(
                    "Found Audit Config file (audit.config). Overriding TestSettings from audit.config file."
                )
            )
            var reader = SettingsReader()
            _ = reader.apply(text: audit, origin: .audit, model: "*", scenario: settings.scenario, to: &settings)
            messages += reader.messages
        }
        if settings.test05 {
            messages.append(.warning("Test05 flag detected Overriding random seeds"))
            settings.mode = .performanceOnly
            settings.qslRngSeed = test05QslRngSeed
            settings.sampleIndexRngSeed = test05SampleIndexRngSeed
            settings.scheduleRngSeed = test05ScheduleRngSeed
        }
        return (settings, messages)
    }
}
