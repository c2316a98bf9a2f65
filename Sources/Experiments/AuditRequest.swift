public import Compliance
public import Core

/// What a user asks `host audit` for.
public struct AuditRequest: Sendable {
    /// The test.
    public var test: ComplianceTest
    /// The plugin and its settings, as for a normal run.
    public var words: [String]
    /// Folder of the normal performance run, or of the scenario that it belongs to; nil: beside the test's folder.
    public var reference: String?
    /// The test's folder; nil: beside the normal runs.
    public var output: String?
    /// An `audit.config` in place of the built-in one.
    public var auditConfiguration: String?
    /// The end-of-sequence token that TEST06 looks for.
    public var endToken: Int64 = 2
    /// The type of token ids that TEST06 and TEST01 read.
    public var type = TokenType.int32

    /// A request without options.
    public init(test: ComplianceTest, words: [String]) {
        self.test = test
        self.words = words
    }

    /// A request from the words of a command line.
    ///
    /// - Parameters:
    ///   - test: The test's name.
    ///   - dtype: The name of the type of token ids.
    ///   - words: The plugin and its settings.
    /// - Throws: `ConfigError` for a name that is none.
    public init(test: String, dtype: String, words: [String]) throws(ConfigError) {
        let tests = ComplianceTest.allCases.filter { $0 != .test01 }
        guard let named = ComplianceTest(named: test), tests.contains(named) else {
            let names = tests.map(\.rawValue).joined(separator: ", ")
            throw ConfigError("\"\(test)\" is no test that can be run here, only \(names)", key: "--test")
        }
        guard let type = TokenType(rawValue: dtype) else {
            let names = TokenType.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigError("\"\(dtype)\" is none of \(names)", key: "--dtype")
        }
        self.init(test: named, words: words)
        self.type = type
    }
}
