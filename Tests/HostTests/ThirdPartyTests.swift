import Glibc
import Testing

@testable import Core

/// A stranger's Swift package, the one that docs/writing-a-plugin.md walks through: built against a tagged copy of this one
/// with no flags in its manifest, tested and run by the page's own commands.
@Suite struct ThirdPartyTests {
    @Test func theGuideShowsTheExample() {
        let guide = PluginGuide()
        for (path, text) in guide.files {
            #expect(
                SettingsReader.read(PluginGuide.package + "/" + path) == text,
                "\(path) differs from the page's text"
            )
        }
        let listed = try? HostProcess.run(executable: "/usr/bin/env", ["git", "ls-files", "Examples/Vector"])
        let shipped = (listed?.output ?? "").split(separator: "\n").map {
            String($0.dropFirst("Examples/Vector/".count))
        }
        #expect(!shipped.isEmpty && Set(shipped) == Set(guide.files.map(\.path)))
    }

    @Test func theGuidesCommandsRun() throws {
        let folder = try TemporaryFolder.folder()
        let script = """
            set -e
            mkdir -p "$1/Podium"
            git ls-files -z -- Package.swift Sources Plugins Tests Benchmarks ':!:*.gz' ':!:Tests/Golden' |
              xargs -0 cp -P --parents -t "$1/Podium"
            git ls-files -z -- Examples/Vector | xargs -0 cp -P --parents -t "$1"
            sed -i "s|.package(name: \\"Podium\\", path: \\"../..\\")|.package(url: \\"file://$1/Podium\\", from: \\"1.0.0\\")|" \
              "$1/Examples/Vector/Package.swift"
            cd "$1/Podium"
            git init -q && git add -A
            git -c user.name=test -c user.email=test@localhost -c commit.gpgsign=false commit -qm copy
            git tag 1.0.0
            mkdir .build && ln -s "$2" .build/release
            """
        let copied = try HostProcess.run(executable: "/bin/sh", ["-c", script, "sh", folder, HostProcess.products])
        #expect(copied.status == 0, "\(copied.errors)")
        let expected = [
            "swift build": "Build", "host describe": "com.example.vector", "host conform": "CONFORMANT",
            "host --plugin": "Result is                   VALID", "host kernels": "unit_rows",
        ]
        var seen: Set<String> = []
        for command in PluginGuide().commands {
            let outcome = try HostProcess.run(
                executable: "/bin/sh",
                ["-c", command],
                folder: folder + "/Examples/Vector",
                environment: ["PODIUM": folder + "/Podium"],
                limit: 400
            )
            let kind = try #require(expected.keys.first { command.contains($0) }, "\(command) is of no known kind")
            seen.insert(kind)
            #expect(outcome.status == 0, "\(command): \(outcome.output.suffix(3000))\(outcome.errors.suffix(1000))")
            #expect(outcome.output.contains(expected[kind] ?? ""), "\(command): \(outcome.output.suffix(3000))")
            if kind == "host conform" { #expect(outcome.output.contains(" 0 warn, 0 fail, 0 crash, 0 hang")) }
        }
        #expect(seen == Set(expected.keys))
        _ = try HostProcess.run(executable: "/bin/rm", ["-rf", folder])
    }
}
