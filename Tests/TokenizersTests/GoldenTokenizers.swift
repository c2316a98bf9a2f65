import FoundationEssentials
import JSON

@testable import Tokenizers

/// A folder of `golden/tokenizers`: tokenizer files and what the reference libraries make of texts and ids.
struct GoldenTokenizer: CustomStringConvertible, Sendable {
    let name: String
    let folder: String

    var description: String { name }

    /// The folders found under PODIUM_GOLDEN, else under Tests/Golden of this checkout.
    static let all: [GoldenTokenizer] = {
        let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        let root = ProcessInfo.processInfo.environment["PODIUM_GOLDEN"] ?? checkout + "/Golden"
        let folder = root + "/golden/tokenizers"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { GoldenTokenizer(name: $0, folder: folder + "/" + $0) }.filter {
            FileManager.default.fileExists(atPath: $0.folder + "/expected.json")
        }
    }()

    func has(_ file: String) -> Bool {
        FileManager.default.fileExists(atPath: folder + "/" + file)
    }

    func json(_ file: String) throws -> JSONField {
        JSONField(try JSON(contentsOfFile: folder + "/" + file), at: file)
    }

    func expected() throws -> JSONField {
        try json("expected.json")
    }
}

extension JSONField {
    var ids: [UInt32] {
        get throws { try array().map { UInt32(try $0.int()) } }
    }
}

/// Counts comparisons that must be exact and prints the line that every golden test prints.
struct ExactReport {
    let name: String
    private(set) var compared = 0
    private(set) var failures: [String] = []

    init(_ name: String) { self.name = name }

    mutating func compare<Value: Equatable>(_ got: Value, _ wanted: Value, _ what: @autoclosure () -> String) {
        compared += 1
        if got != wanted { failures.append("\(what()): got \(got), expected \(wanted)") }
    }

    func finish() {
        let verdict = failures.isEmpty && compared > 0 ? "passed" : "FAILED"
        print(
            "golden tokenizers/\(name): \(verdict) worst=\(failures.count) tolerance=0 (\(compared) exact comparisons)"
        )
    }
}
