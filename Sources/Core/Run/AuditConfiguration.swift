import Glibc

/// The audit.config that governs a run.
struct AuditConfiguration: Sendable, Equatable {
    /// The file.
    var path: String
    /// The compliance test, as `TEST06`; `audit` where nothing names it.
    var test: String

    /// Finds it: the one that was named, else, as the official LoadGen does, `audit.config` in the working directory.
    ///
    /// - Parameter configuration: What was named.
    /// - Returns: nil where there is none.
    /// - Throws: `LoadGenError.configurationFile` for a named file that cannot be read.
    static func find(_ configuration: RunConfiguration) throws(LoadGenError) -> AuditConfiguration? {
        guard let path = configuration.auditConfPath else {
            guard access("audit.config", F_OK) == 0 else { return nil }
            return try AuditConfiguration("audit.config", configuration.auditTest)
        }
        return try AuditConfiguration(path, configuration.auditTest)
    }

    private init(_ path: String, _ test: String?) throws(LoadGenError) {
        guard access(path, R_OK) == 0, SettingsReader.read(path) != nil else {
            throw .configurationFile(path: path, reason: String(cString: strerror(errno)))
        }
        self.path = path
        var whole = path
        if !path.hasPrefix("/"), let folder = getcwd(nil, 0) {
            whole = String(cString: folder) + "/" + path
            free(folder)
        }
        self.test = test ?? whole.split(separator: "/").last(where: Self.isTest).map(String.init) ?? "audit"
    }

    /// Whether a name is one of MLPerf's compliance tests: TEST and two digits.
    private static func isTest(_ name: Substring) -> Bool {
        name.utf8.count == 6 && name.hasPrefix("TEST") && name.suffix(2).allSatisfy(\.isNumber)
    }
}
