import Glibc
import JSON
import RunRecords

/// Where a run goes that was given no output folder:
/// `<results>/<system>/<benchmark>/<Scenario>/{performance/run_1,accuracy}`.
///
/// Nothing that holds a result is overwritten: a performance run takes the next free number, and a folder `accuracy` with a
/// result is moved to `accuracy.1` (then `.2`), so that `accuracy` is always the newest.  A folder whose run never came to a
/// result (`run.json` says `failed`, or `running` while nobody writes to it) is used again.
public struct ResultsFolder: Sendable {
    /// The parent of all results.
    var results = "results"
    /// The system's name.
    var system: String
    /// MLPerf's name of the benchmark, or the workload's id.
    var benchmark: String
    /// The scenario as users name it.
    var scenario: RequestedScenario
    /// What is measured.
    var mode: TestMode
    /// The compliance test that the run belongs to; empty if none.
    var audit = ""

    /// The scenario's folder, that of the compliance test within it where there is one.
    var parent: String {
        let parts = [system, benchmark, scenario.rawValue] + (audit.isEmpty ? [] : [audit])
        return ([results] + parts.map(Self.fileName)).joined(separator: "/")
    }

    /// The folder for the next run; moves an accuracy result out of the way.
    ///
    /// - Throws: `ConfigError` where another process writes to the accuracy folder, `LoadGenError` where it cannot be moved.
    func next() throws -> String {
        switch mode {
        case .accuracyOnly: return try accuracy()
        case .submissionRun: return numbered("submission")
        case .performanceOnly, .findPeakPerformance: return numbered("performance")
        }
    }

    private func numbered(_ kind: String) -> String {
        var number = 1
        while OutputFolder.state("\(parent)/\(kind)/run_\(number)") != .free { number += 1 }
        return "\(parent)/\(kind)/run_\(number)"
    }

    private func accuracy() throws -> String {
        let folder = "\(parent)/accuracy"
        switch OutputFolder.state(folder) {
        case .free: return folder
        case .inUse: throw OutputFolder.inUse(folder)
        case .result: break
        }
        var number = 1
        while access("\(folder).\(number)", F_OK) == 0 { number += 1 }
        guard rename(folder, "\(folder).\(number)") == 0 else {
            throw LoadGenError.logFile(path: folder, reason: String(cString: strerror(errno)))
        }
        return folder
    }

    /// A name as one part of a path: what is no letter, digit, dot, dash or underscore becomes a dash.
    public static func fileName(_ name: String) -> String {
        let characters = name.unicodeScalars.map { scalar -> Character in
            let isPlain =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                || scalar == "-" || scalar == "_" || scalar == "."
            return isPlain ? Character(scalar) : "-"
        }
        let text = String(characters.prefix(120))
        return text.allSatisfy { $0 == "." } ? "unnamed" : text
    }

    /// The machine's name up to the first dot.
    public static func machineName() -> String {
        var name = [CChar](repeating: 0, count: 257)
        guard gethostname(&name, name.count - 1) == 0 else { return "unnamed" }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self).split(separator: ".").first.map(String.init) ?? ""
        return text.isEmpty ? "unnamed" : fileName(text)
    }
}
