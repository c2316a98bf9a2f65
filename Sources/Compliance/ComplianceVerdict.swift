/// What verifying a compliance test came to.
public struct ComplianceVerdict: Sendable, Equatable {
    /// A file for the submission checker.
    public struct File: Sendable, Equatable {
        /// Its name, `verify_accuracy.txt`.
        public var name: String
        /// Its content, the official script's lines.
        public var text: String
    }

    /// One thing that was checked.
    public struct Check: Sendable, Equatable {
        /// What, as in `EOS check`.
        public var name: String
        /// What was found, as in `False` or `1278.2 (1150.38 to 1406.02)`.
        public var found: String
        /// Whether it is as it must be.
        public var passed: Bool
    }

    /// The test.
    public var test: ComplianceTest
    /// The single checks.
    public var checks: [Check]
    /// What was found in particular, a sentence each; the first of many.
    public var findings: [String] = []
    /// The files for the submission checker.
    public var files: [File] = []

    /// Whether the test is passed.
    public var passed: Bool { checks.allSatisfy(\.passed) }
}
