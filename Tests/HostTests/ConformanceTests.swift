import Glibc
import JSON
import Testing

@testable import Core

/// The conformance suite on plugins that keep the rules.
@Suite struct ConformanceTests {
    static let llama = [
        "--plugin", "libLlama2.so", "--config-path", "Plugins/Llama2/Configs", "--config-name", "conformance",
    ]

    /// Every rule ran in each of its roles, and none is broken.
    private func expectConformant(_ words: [String], limit: Double = 120) throws -> Findings {
        let findings = try Findings(arguments: ["conform", "--json"] + words, limit: limit)
        #expect(findings.isConformant && findings.status == 0, "\(findings)")
        #expect(findings.verdicts.allSatisfy { ["pass", "warn", "skip"].contains($0) })
        let all = ConformanceRule.all.flatMap { rule in rule.roles.map { _ in rule.id } }
        #expect(findings.rules == all)
        return findings
    }

    @Test func echo() throws {
        let findings = try expectConformant(["--plugin", "libEcho.so"])
        // Without a model the rules of models cannot be tested, and that is no pass.
        let position = try #require(findings.rules.firstIndex(of: "MLP-W02"))
        #expect(findings.verdicts[position] == "skip")
        #expect(findings.reasons[position].contains("mlp.weights/1"))
    }

    @Test func mischiefWithoutSin() throws {
        let findings = try expectConformant(["--plugin", "libMischief.so"])
        let skipped = zip(findings.rules, findings.verdicts).filter { $0.1 == "skip" }.map(\.0)
        #expect(!skipped.contains { $0.hasPrefix("MLP-S") || $0.hasPrefix("MLP-E") || $0.hasPrefix("MLP-K") })
    }

    /// Echo in C, built from the header alone.
    @Test func echoInC() throws {
        let library = try TemporaryFolder.folder() + "/libEchoC.so"
        let built = try HostProcess.run(
            executable: "/usr/bin/env",
            [
                "cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-shared", "-fPIC",
                "-fvisibility=hidden", "-I", "Sources/PluginAPI/C/include", "Tests/Fixtures/EchoC/echo.c", "-o",
                library,
            ]
        )
        #expect(built.status == 0, "\(built.errors)")
        _ = try expectConformant(["--plugin", library])
    }

    @Test func llama2() throws {
        let started = monotonicNanoseconds()
        let findings = try expectConformant(ConformanceTests.llama, limit: 200)
        let seconds = Double(monotonicNanoseconds() - started) / 1e9
        #expect(seconds < 90, "\(seconds) s; on two idle cores it takes 12")
        for (rule, verdict) in zip(findings.rules, findings.verdicts)
        where "CXFSHKTED".contains(rule.dropFirst(4).prefix(1)) {
            #expect(verdict == "pass" || verdict == "warn", "\(rule): \(findings)")
        }
    }

    @Test func llama2WithoutModelSkips() throws {
        let outcome = try HostProcess.run(["conform", "--plugin", "libLlama2.so", "--only", "S01"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("skip  MLP-S01"), "\(outcome.output)")
        #expect(outcome.output.contains("needs a model or a data set"))
        #expect(outcome.output.contains("0 pass, 0 warn, 0 fail, 0 crash, 0 hang, 2 skip"), "\(outcome.output)")
    }

    @Test func picksRules() throws {
        let one = try Findings(arguments: ["conform", "--plugin", "libEcho.so", "--only", "MLP-L03", "--json"])
        #expect(one.rules == ["MLP-L03"] && one.verdicts == ["pass"])
        let group = try Findings(arguments: ["conform", "--plugin", "libEcho.so", "--only", "l", "--json"])
        #expect(Set(group.rules) == Set(ConformanceRule.all.map(\.id).filter { $0.hasPrefix("MLP-L") }))
        let none = try HostProcess.run(["conform", "--plugin", "libEcho.so", "--only", "Q99"])
        #expect(none.status == 64)
        #expect(none.errors.contains("there is no rule Q99") && none.errors.contains("MLP-S03"))
    }

    @Test func inProcess() throws {
        let findings = try Findings(
            arguments: ["conform", "--plugin", "libEcho.so", "--only", "S", "--in-process", "--json"])
        #expect(findings.isConformant && findings.verdicts.contains("pass"), "\(findings)")
    }

    @Test func missingLibrary() throws {
        let findings = try Findings(arguments: [
            "conform", "--plugin", "/nonexistent/libX.so", "--only", "L01", "--json",
        ])
        #expect(!findings.isConformant && findings.status == 3)
        #expect(findings.reasons[0].contains("no such file"))
    }
}
