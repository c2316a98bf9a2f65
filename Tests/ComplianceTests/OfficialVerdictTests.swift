import Glibc
import JSON
import RunRecords
import Testing

@testable import Compliance

/// Our verdicts against those that MLCommons' scripts gave on the same logs (Fixtures/make_verdicts.py).
@Suite("Compliance verdicts")
struct OfficialVerdictTests {
    @Test("Golden: verdicts are those of the official scripts", arguments: ["TEST04", "TEST06", "TEST07", "TEST09"])
    func verdicts(test: String) throws {
        let cases = try Fixtures.cases.filter { try $0["test"].string() == test }
        #expect(cases.count >= 12)
        for fixture in cases {
            let name = "\(test) \(try fixture["scenario"].optional?.string() ?? "") \(try fixture["name"].string())"
            let official = try fixture["official"].optional?.string()
            let stricter = try fixture["stricter"].optional?.string()
            let ours = Result { try verdict(test, fixture) }
            guard let verdict = try? ours.get() else {
                // Where we refuse a log, the official script must not have passed it, or the fixture says why.
                #expect(stricter != nil || official.map { !passes(test, $0) } ?? true, "\(name): \(ours)")
                continue
            }
            if stricter != nil {
                #expect(!verdict.passed, "\(name)")
            } else if let official, !official.contains("Traceback") {
                #expect(verdict.passed == passes(test, official), "\(name)")
                #expect(verdict.files.map(\.name) == ComplianceTest(rawValue: test)?.verdictFiles, "\(name)")
                // A message on standard error may come before what was printed earlier.
                let isOrdered = !official.contains("results are invalid")
                let text = try #require(verdict.files.first).text
                #expect(lines(text, inOrder: isOrdered) == lines(official, inOrder: isOrdered), "\(name)")
            } else {
                // The official script crashed: whatever we say, it is no pass.
                #expect(!verdict.passed, "\(name)")
                #expect(!verdict.findings.isEmpty, "\(name)")
            }
            try checkFiled(verdict, name)
        }
        print("golden compliance \(test): \(cases.count) of \(cases.count) verdicts passed")
    }

    @Test("The audit configurations have the published keys and values")
    func auditConfigurations() throws {
        let audits = try Fixtures.root["audits"].array()
        #expect(audits.count == 5)
        for audit in audits {
            let test = try #require(ComplianceTest(rawValue: try audit["test"].string()))
            let ours = try AuditConfiguration(test, benchmark: try audit["benchmark"].string())
            let published = try audit["lines"].array().map { try $0.string() }
            let lines = ours.text.split(separator: "\n").map(String.init)
            #expect(lines.sorted() == published.sorted(), "\(test)")
        }
    }

    private func verdict(_ test: String, _ fixture: JSONField) throws -> ComplianceVerdict {
        func folder(_ key: String, _ file: String) throws -> String {
            try Fixtures.folder(with: try fixture[key].string(), as: file)
        }
        switch test {
        case "TEST04":
            return try TEST04Verification.verify(
                run: folder("run", "mlperf_log_summary.txt"),
                reference: folder("reference", "mlperf_log_summary.txt")
            )
        case "TEST06":
            let golden = try fixture["golden"].optional?.string()
            let run = try golden.map { try Fixtures.goldenLogs + "/" + $0 } ?? folder("run", AccuracyLogReader.fileName)
            return try TEST06Verification.verify(
                run: run,
                options: .init(isOffline: try fixture["scenario"].string() == "Offline")
            )
        case "TEST07":
            let audit = try AuditConfiguration(.test07, benchmark: "gpt-oss-120b")
            return TEST07Verification.verify(
                accuracy: try fixture["accuracy"].string(),
                threshold: try #require(audit.number(TEST07Verification.thresholdKey))
            )
        default:
            let bounds = try fixture["bounds"].array().map { try $0.double() }
            return try TEST09Verification.verify(
                run: folder("run", AccuracyLogReader.fileName),
                bounds: bounds[0]...bounds[1]
            )
        }
    }

    /// The verdict in a test's folder is read back as the submission checker reads it.
    private func checkFiled(_ verdict: ComplianceVerdict, _ name: String) throws {
        let run = try Fixtures.folder(with: "[\n]\n", as: AccuracyLogReader.fileName)
        for file in ["mlperf_log_summary.txt", "mlperf_log_detail.txt"] {
            try TextFile.write(file, to: "\(run)/\(file)")
        }
        let folder = try Fixtures.folder()
        try VerdictFolder.write(verdict, run: run, to: folder)
        #expect(VerdictFolder.passed(verdict.test, in: folder) == verdict.passed, "\(name)")
        #expect(access("\(folder)/performance/run_1/mlperf_log_detail.txt", R_OK) == 0)
        #expect((access("\(folder)/accuracy/mlperf_log_accuracy.json", R_OK) == 0) == verdict.test.filesAccuracyLog)
        try VerdictFolder.removeVerdict(verdict.test, from: folder)
        #expect(VerdictFolder.passed(verdict.test, in: folder) == nil)
    }

    private func passes(_ test: String, _ text: String) -> Bool {
        test == "TEST06" ? text.contains("verification complete") : text.contains("TEST PASS")
    }

    private func lines(_ text: String, inOrder: Bool) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return inOrder ? lines : lines.sorted()
    }
}
