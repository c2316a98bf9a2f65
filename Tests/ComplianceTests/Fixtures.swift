import Glibc
import JSON
import Synchronization
import Testing

@testable import Compliance

/// The recorded verdicts, and folders to put logs into.
enum Fixtures {
    private static let here = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/")

    /// The recorded file.
    static var root: JSONField {
        get throws {
            let path = "\(here)/Fixtures/verdicts.json"
            return JSONField(try JSON(contentsOfFile: path), at: path)
        }
    }

    /// Its cases.
    static var cases: [JSONField] { get throws { try root["cases"].array() } }

    /// Logs of the official LoadGen.
    static var goldenLogs: String {
        get throws {
            let root = getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? "\(here)/../Golden"
            return "\(root)/loadgen-golden/logs"
        }
    }

    private static let scratch: String = {
        var template = Array("/tmp/podium-compliance-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        atexit { Fixtures.clean() }
        return made.map { String(cString: $0) } ?? "/tmp"
    }()
    private static let made = Atomic<Int>(0)

    /// A new folder, which goes when the process ends.
    static func folder() throws -> String {
        let path = "\(scratch)/\(made.wrappingAdd(1, ordering: .relaxed).newValue)"
        try TextFile.makeFolder(path)
        return path
    }

    /// A new folder with one file.
    static func folder(with text: String, as name: String) throws -> String {
        let path = try folder()
        try TextFile.write(text, to: "\(path)/\(name)")
        return path
    }

    private static func clean() {
        guard scratch != "/tmp" else { return }
        _ = system("rm -rf '\(scratch)'")
    }
}
