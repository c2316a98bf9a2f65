import Core
import Testing

/// The configurations in `Plugins/*/Configs`, found by listing.
@Suite("Configurations that come with the plugins")
struct ShippedConfigurationsTests {
    struct File: CustomTestStringConvertible {
        let folder: String
        let name: String
        var testDescription: String { "\(folder)/\(name)" }
    }

    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    static func files(_ suffix: String) -> [File] {
        ConfigFiles.disk.names(root + "/Plugins").flatMap { plugin in
            let folder = "Plugins/\(plugin)/Configs"
            return ConfigFiles.disk.names("\(root)/\(folder)").filter { $0.hasSuffix(suffix) }
                .map { File(folder: folder, name: $0) }
        }
    }

    @Test("There are some")
    func some() {
        #expect(Self.files(".yaml").count >= 6 && Self.files(".conf").count >= 2)
    }

    @Test("Each is read without a notice, and its user.conf is there", arguments: files(".yaml"))
    func yaml(_ file: File) throws {
        let words = ["--plugin", "p", "--config-path", "\(Self.root)/\(file.folder)", "--config-name", file.name]
        let run = try RunConfiguration(words: words)
        _ = try run.requiredScenario
        #expect(run.notices.isEmpty)
        #expect(run.benchmark.map(SettingsReader.knownModels.contains) ?? true)
        let userConf = try #require(run.userConfPath)
        #expect(!userConf.hasPrefix("/"), "relative to the root of the checkout")
        #expect(throws: Never.self) { try ConfigFiles.disk.contents("\(Self.root)/\(userConf)").get() }
    }

    @Test("LoadGen accepts each user.conf", arguments: files(".conf"))
    func conf(_ file: File) throws {
        var settings = TestSettings()
        var reader = SettingsReader()
        let outcome = reader.apply(
            path: "\(Self.root)/\(file.folder)/\(file.name)",
            origin: .user,
            model: "llama2-70b",
            scenario: .offline,
            to: &settings
        )
        #expect(outcome == .applied && reader.messages.isEmpty)
        #expect(settings.offlineExpectedQps != 1, "the file sets the rate")
    }
}
