@testable import Core
import JSON
import Testing

/// Configuration files against the official reader: values, return codes and complaints.
@Suite struct ConfigurationTests {
    @Test func everyRecordedFileIsReadAlike() throws {
        for record in try Golden.cases("config.json") ?? [] {
            let name = try record["name"].string()
            try Golden.run("config/\(name)") {
                let scenario = try #require(Scenario(rawValue: try record["scenario"].string()))
                let model = try record["model"].string()
                let expected = try GoldenSettings.read(record["settings"])
                // Which round's seeds are compiled in shows in the settings themselves.
                let round = MLPerfRound.allCases.first { $0.qslRngSeed == expected.qslRngSeed }
                var reader = SettingsReader(round: try #require(round, "\(name): the seeds belong to no known round"))
                var settings = TestSettings()
                settings.scenario = scenario
                var outcome = reader.apply(
                    text: try record["user_conf"].string(),
                    origin: .user,
                    model: model,
                    scenario: scenario,
                    to: &settings
                )
                if let second = try record["second_user_conf"].optional {
                    outcome = reader.apply(
                        text: try second.string(),
                        origin: .user,
                        model: model,
                        scenario: scenario,
                        to: &settings
                    )
                }
                if let audit = try record["audit_config"].optional {
                    outcome = reader.apply(
                        text: try audit.string(),
                        origin: .audit,
                        model: "*",
                        scenario: scenario,
                        to: &settings
                    )
                }
                let differences = GoldenSettings.differences(settings, expected)
                #expect(differences == [], "\(name)")
                #expect(Int(outcome.rawValue) == (try record["rc"].int()), "\(name)")
                let log = try record["log"].array().map {
                    LogMessage(
                        key: try $0["key"].string(),
                        text: try $0["value"].string(),
                        severity: try $0["is_error"].bool() ? .error : .information
                    )
                }
                #expect(reader.messages == log, "\(name)")
            }
        }
    }

    @Test func aMissingFileIsReportedAndChangesNothingButTheRules() {
        var reader = SettingsReader()
        var settings = TestSettings()
        let outcome = reader.apply(
            path: "/nonexistent/user.conf",
            origin: .user,
            model: "llama2-70b",
            scenario: .offline,
            to: &settings
        )
        #expect(outcome == .missing)
        #expect(settings.minQueryCount == 24576)
        #expect(settings.qslRngSeed == MLPerfRound.v60.qslRngSeed)
        #expect(reader.messages.map(\.text) == ["can't open file /nonexistent/user.conf"])
    }
}
