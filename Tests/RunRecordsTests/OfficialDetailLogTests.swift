import Glibc
import RunRecords
import Testing

@Suite("Detail logs of the official library")
struct OfficialDetailLogTests {
    static let logs: [String] = {
        let root = getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? "Tests/Golden"
        var found: [String] = []
        guard let folder = opendir("\(root)/loadgen-golden/logs") else { return [] }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { found.append("\(root)/loadgen-golden/logs/\(name)") }
        }
        closedir(folder)
        return found.sorted()
    }()

    @Test("There are recordings")
    func present() { #expect(Self.logs.count >= 19) }

    @Test("Every line is read, and the verdict is that of the summary", arguments: logs)
    func read(_ folder: String) throws {
        let log = try DetailLogContents(folder: folder)
        #expect(log.entries.filter { !$0.isOfficiallyReadable }.isEmpty)
        #expect(try log.loadgenVersion == "6.0.17 @ d6147c7eb7")
        #expect(log.entries.last?.line == log.entries.count)
        #expect(try log.effectiveSeeds != nil)
        var summary = try LineReader(path: "\(folder)/mlperf_log_summary.txt")
        var verdict: String?
        while let line = try summary.next() {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("Result is : ") { verdict = String(text.dropFirst(12)) }
        }
        #expect(try log.resultValidity == verdict)
        // The log ends with the number of its errors, where it has a result at all.
        if verdict != nil { #expect(log.last("num_errors")?.int == log.errors.count) }
    }
}
