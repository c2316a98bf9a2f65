import Glibc
import Testing

@testable import Core

/// A stranger's Swift package builds a plugin against a tagged copy of this one, with no flags in its manifest.
@Suite struct ThirdPartyTests {
    private static let manifest = """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "Stranger",
            products: [.library(name: "Stranger", type: .dynamic, targets: ["Stranger"])],
            dependencies: [.package(url: "file://FOLDER/Podium", from: "0.1.0")],
            targets: [
                .target(
                    name: "Stranger", dependencies: [.product(name: "PluginAPI", package: "Podium")], path: ".",
                    sources: ["Echo.swift"], swiftSettings: [.swiftLanguageMode(.v6)])
            ]
        )

        """

    @Test func strangersPlugin() throws {
        let folder = try TemporaryFolder.folder()
        let script = """
            set -e
            mkdir -p "$1/Podium" "$1/Stranger"
            git ls-files -z -- Package.swift Sources Plugins Tests Benchmarks ':!:*.gz' ':!:Tests/Golden' |
              xargs -0 cp -P --parents -t "$1/Podium"
            cp Tests/Fixtures/Echo/Echo.swift "$1/Stranger"
            cd "$1/Podium"
            git init -q && git add -A
            git -c user.name=test -c user.email=test@localhost -c commit.gpgsign=false commit -qm copy
            git tag 0.1.0
            """
        let copied = try HostProcess.run(executable: "/bin/sh", ["-c", script, "sh", folder])
        #expect(copied.status == 0, "\(copied.errors)")
        try TextFile.write(
            ThirdPartyTests.manifest.replacing("FOLDER", with: folder),
            to: folder + "/Stranger/Package.swift"
        )
        let built = try HostProcess.run(
            executable: "/usr/bin/env",
            [
                "swift", "build", "--product", "Stranger", "-Xlinker",
                "--version-script=\(folder)/Podium/Sources/PluginAPI/plugin.map",
            ],
            folder: folder + "/Stranger",
            limit: 300
        )
        #expect(built.status == 0, "\(built.output.suffix(3000))\(built.errors.suffix(1000))")
        let findings = try Findings(
            arguments: ["conform", "--json", "--plugin", folder + "/Stranger/.build/debug/libStranger.so"])
        #expect(findings.isConformant, "\(findings)")
        #expect(findings.verdicts.count { $0 == "pass" } > 40, "\(findings)")
        _ = try HostProcess.run(executable: "/bin/rm", ["-rf", folder])
    }
}
