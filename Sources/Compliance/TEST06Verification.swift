internal import RunRecords

/// TEST06: what a language model reports of its tokens is consistent.
public enum TEST06Verification {
    /// What the verification has to know of the model and the run.
    public struct Options: Sendable {
        /// The end-of-sequence token; 2 for Llama 2.
        public var endToken: Int64 = 2
        /// The type of the token ids.
        public var type = TokenType.int32
        /// Whether the scenario is Offline, in which first tokens are not reported.
        public var isOffline: Bool

        /// Options with the official defaults.
        ///
        /// - Parameter isOffline: Whether the scenario is Offline.
        public init(isOffline: Bool) { self.isOffline = isOffline }
    }

    /// Verifies the accuracy log of the test's run.
    ///
    /// Three things are checked, with the official script's reading of them: in no scenario but Offline, the reported first
    /// token is what the response begins with; a response ends with at most one end-of-sequence token (the very first
    /// token of a response is not counted); the reported number of tokens is that of the response.
    ///
    /// - Parameters:
    ///   - run: Folder of the test's run.
    ///   - options: See ``Options``.
    /// - Returns: The verdict, with `verify_accuracy.txt` as the official script writes it.
    /// - Throws: `ComplianceError` for a log that is missing, empty, cut off or no accuracy log.
    public static func verify(run: String, options: Options) throws(ComplianceError) -> ComplianceVerdict {
        var judgement = Judgement(options)
        try AccuracyLog.forEachResponse(in: run) { judgement.add($0) }
        return judgement.verdict
    }
}

/// The checks of TEST06, response by response.
private struct Judgement {
    private let options: TEST06Verification.Options
    private var endIsRight = true
    private var firstIsRight = true
    private var countIsRight = true
    private var findings = FindingList()

    init(_ options: TEST06Verification.Options) { self.options = options }

    mutating func add(_ response: AccuracyLogEntry) {
        let size = options.type.size
        let whose = "sample \(response.index)"
        guard response.data.count.isMultiple(of: size) else {
            (endIsRight, firstIsRight, countIsRight) = (false, false, false)
            findings.note(
                "The response is no list of \(options.type.rawValue) tokens",
                "\(whose) has \(response.data.count) bytes"
            )
            return
        }
        let count = response.data.count / size
        checkEnd(response, count, whose)
        if !options.isOffline { checkFirst(response, whose) }
        guard let reported = response.tokenCount else {
            countIsRight = false
            findings.note("The entry has no token_count", whose)
            return
        }
        if reported != UInt64(count) {
            countIsRight = false
            findings.note("token_count is not the number of tokens", "\(whose) reports \(reported) and has \(count)")
        }
    }

    private mutating func checkEnd(_ response: AccuracyLogEntry, _ count: Int, _ whose: String) {
        var last = count - 1
        while last > 0, options.type.token(in: response.data, at: last * options.type.size) == options.endToken {
            last -= 1
        }
        let trailing = max(count - 1, 0) - max(last, 0)
        if trailing >= 2 {
            endIsRight = false
            findings.note("The response ends with several end-of-sequence tokens", "\(whose) with \(trailing)")
        }
    }

    private mutating func checkFirst(_ response: AccuracyLogEntry, _ whose: String) {
        guard let first = response.tokenData else {
            firstIsRight = false
            findings.note("The entry has no token_data", whose)
            return
        }
        guard first.count.isMultiple(of: options.type.size) else {
            firstIsRight = false
            findings.note("token_data is no list of tokens", "\(whose) has \(first.count) bytes of it")
            return
        }
        if zip(first, response.data).contains(where: { $0 != $1 }) {
            firstIsRight = false
            findings.note("The reported first token is not that of the response", whose)
        }
    }

    var verdict: ComplianceVerdict {
        func python(_ value: Bool) -> String { value ? "True" : "False" }
        let checks: [ComplianceVerdict.Check] = [
            .init(
                name: "First token check",
                found: options.isOffline ? "Skipped" : python(firstIsRight),
                passed: options.isOffline || firstIsRight
            ),
            .init(name: "EOS check", found: python(endIsRight), passed: endIsRight),
            .init(name: "Sample length check", found: python(countIsRight), passed: countIsRight),
        ]
        let passed = checks.allSatisfy(\.passed)
        let lines = checks.map { "\($0.name) pass: \($0.found)\n" }.joined()
        return ComplianceVerdict(
            test: .test06,
            checks: checks,
            findings: findings.sentences,
            files: [
                .init(
                    name: ComplianceTest.accuracyVerdict,
                    text: lines + "TEST06 verification \(passed ? "complete" : "failed")\n"
                )
            ]
        )
    }
}
