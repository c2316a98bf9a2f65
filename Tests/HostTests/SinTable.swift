import Glibc
import JSON
import Testing

@testable import Core

/// What Mischief's option `sin` can pick, as the library itself says, so that no sin can be forgotten.
enum SinTable {
    /// The sins that `host describe` lists.
    static func sins() throws -> [String] {
        let described = try HostProcess.run(["describe", "--plugin", "libMischief.so", "--json"])
        #expect(described.status == 0, "\(described.errors)")
        let json = try JSON(parsing: described.output, source: "describe")
        guard case .array(let workloads)? = json["workloads"], case .array(let options)? = workloads.first?["options"],
            case .array(let values)? = options.first?["values"]
        else {
            Issue.record("describe does not show Mischief's sins: \(described.output.prefix(300))")
            return []
        }
        // Two runs of one sin would share a folder, which the host refuses.
        return Set(values.compactMap { if case .string(let sin) = $0 { sin } else { nil } }).sorted()
    }

    /// The sins of loading, which the environment variable MISCHIEF_LOADING picks: the names its source compares with.
    static func sinsOfLoading() throws -> [String] {
        let path = HostProcess.root + "/Tests/Fixtures/Mischief/mischief.c"
        let source = try #require(SettingsReader.read(path))
        return source.components(between: "!strcmp(sin, \"", and: "\"").sorted()
    }
}

extension String {
    /// What stands between two marks, everywhere.
    func components(between start: String, and end: String) -> [String] {
        var found: [String] = []
        var rest = self[...]
        while let opening = rest.firstRange(of: start) {
            rest = rest[opening.upperBound...]
            guard let closing = rest.firstRange(of: end) else { break }
            found.append(String(rest[..<closing.lowerBound]))
            rest = rest[closing.upperBound...]
        }
        return found
    }
}
