import Glibc
import JSON
import Submission
import Testing

/// The recorded verdicts of the official checker, which `record_verdicts.py` writes.
struct OfficialVerdict: Sendable {
    let accepts: Bool
    let says: String

    static let all: [String: OfficialVerdict] = {
        guard let file = try? JSON(contentsOfFile: "\(TestTree.fixtures)/verdicts.json"),
            case .object(let members)? = file["verdicts"]
        else { return [:] }
        var verdicts: [String: OfficialVerdict] = [:]
        for (name, verdict) in members {
            guard case .bool(let accepts)? = verdict["accepts"], case .string(let says)? = verdict["says"] else {
                continue
            }
            verdicts[name] = OfficialVerdict(accepts: accepts, says: says)
        }
        return verdicts
    }()
}

@Suite("Submissions and the official checker's verdicts")
struct OfficialVerdictTests {
    @Test("Every mutation has a verdict, and both verdicts occur")
    func complete() {
        #expect(Mutation.all.count >= 250)
        #expect(Set(Mutation.all.map(\.name)) == Set(OfficialVerdict.all.keys))
        #expect(OfficialVerdict.all.values.filter(\.accepts).count > 60)
        #expect(OfficialVerdict.all.values.filter { !$0.accepts }.count > 100)
    }

    @Test("The check says of each mutation what the official checker said")
    func verdicts() throws {
        let original = TestTree()
        let copy = "\(original.path)/copy"
        TestTree.share(original.tree, copy)
        for mutation in Mutation.all {
            let verdict = try #require(OfficialVerdict.all[mutation.name])
            defer { TestTree.restore(copy, as: original.tree) }
            try mutation.apply(to: copy)
            let report = try SubmissionCheck.run(tree: copy, rules: RoundRules.named(mutation.round))
            #expect(
                report.isAccepted == verdict.accepts,
                "\(mutation.name): the official checker \(verdict.accepts ? "accepts" : "rejects") (\(verdict.says)); \(report.text)"
            )
            for finding in report.findings {
                #expect(!finding.found.isEmpty && !finding.expected.isEmpty && !finding.advice.isEmpty)
            }
        }
    }

    @Test("The tree as it was recorded has nothing to object to, and eight results")
    func untouched() throws {
        let report = try SubmissionCheck.run(tree: "\(TestTree.fixtures)/tree", rules: RoundRules.named("v6.0"))
        #expect(report.findings.isEmpty, "\(report.text)")
        #expect(report.results.count == 8)
        let offline = try #require(
            report.results.first { $0.path.hasSuffix("closed/Tester/results/1xTestnode/llama2-70b-99.9/Offline") }
        )
        #expect(offline.key == "result_tokens_per_second" && offline.value == 35365.1)
    }
}
