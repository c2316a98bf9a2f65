import Core
import Testing

@testable import Experiments

@Suite("Words of host scenarios")
struct ScenarioWordsTests {
    @Test("Bare words name scenarios, in any capitals, each once")
    func scenarios() {
        let words = ScenarioWords(["--plugin", "x.so", "offline", "Server", "SERVER", "interactive", "threads=1"])
        #expect(words.scenarios == [.offline, .server, .interactive])
        #expect(words.settings(for: .offline) == ["--plugin", "x.so", "threads=1"])
    }

    @Test("Behind a key stands its value, behind a flag a scenario")
    func values() {
        let value = ScenarioWords(["--config-name", "server", "--plugin=x.so", "Offline"])
        #expect(value.scenarios == [.offline])
        #expect(value.settings(for: .offline) == ["--config-name", "server", "--plugin=x.so"])
        #expect(ScenarioWords(["--isolate", "Server"]).scenarios == [.server])
    }

    @Test("{scenario} is replaced, and a scenario's own words are for it alone")
    func templates() {
        let words = ScenarioWords([
            "--config-name", "demo_{scenario}", "a={scenario}/{scenario}", "b={x}{scenario", "Server:c=1",
            "offline:d={scenario}",
            "e=http://Server:1",
        ])
        #expect(words.scenarios.isEmpty)
        #expect(
            words.settings(for: .server)
                == ["--config-name", "demo_server", "a=server/server", "b={x}{scenario", "c=1", "e=http://Server:1"]
        )
        #expect(
            words.settings(for: .offline)
                == [
                    "--config-name", "demo_offline", "a=offline/offline", "b={x}{scenario", "d=offline",
                    "e=http://Server:1",
                ]
        )
    }

    @Test("Commands are quoted for a shell where that is needed")
    func quoting() {
        let command = HostCommand(["--plugin", "a b.so", "x='1'", "", "k=v,w:1@2"])
        #expect(command.shell(program: "./host") == "./host --plugin 'a b.so' 'x='\\''1'\\''' '' k=v,w:1@2")
    }
}
