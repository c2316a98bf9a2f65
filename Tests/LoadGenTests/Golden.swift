import FoundationEssentials
import JSON
import Synchronization
import Testing

/// The recorded behaviour of the official LoadGen: the folder `loadgen-golden` below `PODIUM_GOLDEN` or `Tests/Golden`.
enum Golden {
    static let folder: String = {
        let root = ProcessInfo.processInfo.environment["PODIUM_GOLDEN"] ?? "\(testsFolder)/Golden"
        return "\(root)/loadgen-golden"
    }()

    private static var testsFolder: String {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: "/")
    }

    /// The cases of one of the folder's JSON files, or nil where the folder has no such file.
    static func cases(_ file: String) throws -> [JSONField]? {
        let path = "\(folder)/\(file)"
        guard FileManager.default.fileExists(atPath: path) else {
            if ProcessInfo.processInfo.environment["PODIUM_GOLDEN"] == nil {
                Issue.record("the checkout lacks \(path)")
            }
            notRun(file, "\(path) does not exist")
            return nil
        }
        return try JSONField(try JSON(contentsOfFile: path), at: path).array()
    }

    /// Runs one case and prints one line for it, in the form that `make golden` shows.
    ///
    /// Everything here is exact, so the tolerance is 0.
    static func run(_ name: String, _ body: () throws -> Void) throws {
        // No issue is known: the matcher only counts, so that the line below tells the truth.
        let tally = Tally()
        defer {
            let verdict = tally.count == 0 ? "passed" : "failed"
            print("golden loadgen/\(name): \(verdict) worst=\(tally.count) tolerance=0")
        }
        try withKnownIssue(isIntermittent: true) {
            try body()
        } matching: { _ in
            tally.add()
            return false
        }
    }

    private final class Tally: Sendable {
        private let failures = Mutex(0)

        var count: Int { failures.withLock { $0 } }

        func add() {
            failures.withLock { $0 += 1 }
        }
    }

    static func notRun(_ name: String, _ reason: String) {
        print("golden loadgen/\(name): not run (\(reason))")
    }

    /// FNV-1a over each element's eight little-endian bytes, as the golden lists have it.
    static func fnv(_ list: some Sequence<UInt64>) -> String {
        var hash: UInt64 = 1_469_598_103_934_665_603
        for element in list {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                hash = (hash ^ ((element >> shift) & 0xFF)) &* 1_099_511_628_211
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func fnv(_ list: [Int64]) -> String {
        fnv(list.lazy.map { UInt64(bitPattern: $0) })
    }

    /// What differs between a list and the recorded one, which is given in full or by count, hash, head and tail.
    static func difference(_ actual: [UInt64], _ name: String, in record: JSONField) throws -> String? {
        if let count = try record["\(name)_count"].optional, try count.int() != actual.count {
            return "\(name) has \(actual.count) elements, not \(try count.int())"
        }
        if let full = try record[name].optional {
            let expected = try full.array().map { try $0.uint64() }
            if let at = zip(actual, expected).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
                return "\(name)[\(at)] is \(actual[at]), not \(expected[at])"
            }
            return actual.count == expected.count ? nil : "\(name) has \(actual.count) elements, not \(expected.count)"
        }
        if let head = try record["\(name)_head"].optional {
            // Where the whole list is shorter than the recorded head, what follows it there is not part of the list.
            let expected = try head.array().prefix(actual.count).map { try $0.uint64() }
            guard Array(actual.prefix(expected.count)) == expected else {
                return "\(name) begins \(actual.prefix(expected.count)), not \(expected)"
            }
        }
        if let tail = try record["\(name)_tail"].optional {
            let expected = try tail.array().map { try $0.uint64() }
            guard Array(actual.suffix(expected.count)) == expected else {
                return "\(name) ends \(actual.suffix(expected.count)), not \(expected)"
            }
        }
        if let hash = try record["\(name)_fnv"].optional, try hash.string() != fnv(actual) {
            return "\(name) has hash \(fnv(actual)), not \(try hash.string())"
        }
        return nil
    }
}
