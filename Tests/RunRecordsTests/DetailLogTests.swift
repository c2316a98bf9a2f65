import JSON
import RunRecords
import Testing

@Suite("Detail log")
struct DetailLogTests {
    private let scratch = ScratchFolder()

    private func line(_ key: String, _ value: String, time: String = "0.000001", isError: Bool = false) -> String {
        ":::MLLOG {\"key\": \"\(key)\", \"value\": \(value), \"time_ms\": \(time), \"namespace\": \"mlperf::logging\", "
            + "\"event_type\": \"POINT_IN_TIME\", \"metadata\": {\"is_error\": \(isError), \"is_warning\": false, "
            + "\"file\": \"x.cc\", \"line_no\": 1, \"pid\": 1, \"tid\": 1}}\n"
    }

    private func fault(_ text: String) throws -> DetailLogError {
        let path = scratch.file("log.txt", text)
        return try #require(throws: DetailLogError.self) { try DetailLogContents(path: path, source: "log.txt") }
    }

    @Test("The official library's own lines are read as it writes them")
    func quirks() throws {
        let path = scratch.file(
            "log.txt",
            line("sut_name", "\"a \"quoted\" name\", \"time_ms\": 3\"") + line("result_qps", "inf")
                + line("result_mean", "-nan") + line("qsl_rng_seed", "18446744073709551557")
                + line("queued_early", "1", time: "18446744073709.551615") + line("count", "2.70336e+06")
                + line("list", "[1,2,3]") + line("tab", "\"a\tb\"") + "\n"
                + line("message", "\"bad\"", time: "12.500000", isError: true).dropLast()
        )
        let log = try DetailLogContents(path: path)
        #expect(log.first("sut_name")?.string == "a \"quoted\" name\", \"time_ms\": 3")
        #expect(log.first("sut_name")?.isOfficiallyReadable == false)
        #expect(log.first("result_qps")?.double == .infinity)
        #expect(log.first("result_mean")?.double?.isNaN == true)
        #expect(try log.uint64("qsl_rng_seed") == 18_446_744_073_709_551_557)
        #expect(log.first("queued_early")?.time == .max)
        #expect(try log.uint64("count") == 2_703_360)
        #expect(log.first("list")?.value == [1, 2, 3])
        #expect(log.first("tab")?.string == "a\tb")
        #expect(log.first("tab")?.isOfficiallyReadable == false)
        #expect(log.errors.map(\.key) == ["message"])
        #expect(log.errors.first?.milliseconds == 12.5)
        #expect(log.errors.first?.line == 10)
        #expect(log.entries.filter { !$0.isOfficiallyReadable }.count == 4)
    }

    @Test("Each fault names its line and is of its kind")
    func faults() throws {
        let good = line("a", "1")
        let cut = try fault(good + line("b", "\"abc\"").dropLast(40))
        #expect(cut.kind == .cutOff)
        #expect("\(cut)" == "log.txt:2: ends in the middle of an entry: the log was cut off")
        #expect(try fault(good + ":::MLL").kind == .cutOff)
        #expect(try fault(good + ":::MLL\n").kind == .foreign)
        let foreign = try fault(good + good + "Segmentation fault\n" + good)
        #expect(foreign.kind == .foreign && foreign.line == 3)
        #expect("\(foreign)".contains("\"Segmentation fault\""))
        #expect(try fault(":::MLLOG {\"value\": 1}\n").kind == .malformed)
        #expect(try fault(":::MLLOG {\"key\": \"a\", \"value\": 1, \"time_ms\": -3}\n").kind == .malformed)
        #expect(try fault(":::MLLOG {}}\n").kind == .malformed)
        #expect(try fault("").kind == .empty)
        #expect(try fault("\n\n").kind == .empty)
        #expect(throws: DetailLogError.self) { try DetailLogContents(path: "\(scratch.path)/none.txt") }
        #expect(throws: DetailLogError.self) { try DetailLogContents(folder: scratch.path) }
        #expect(throws: DetailLogError.self) { try DetailLogContents(path: scratch.path) }
    }

    @Test("What can be read of a damaged log is read, and every fault is told")
    func damaged() throws {
        let path = scratch.file("log.txt", line("a", "1") + "noise\n" + line("a", "2") + ":::MLLOG {\"key")
        var faults: [DetailLogError] = []
        let log = try DetailLogContents(path: path, faults: &faults)
        #expect(log.all("a").compactMap(\.uint64) == [1, 2])
        #expect(log.first("a")?.uint64 == 1)
        #expect(log.last("a")?.uint64 == 2)
        #expect(faults.map(\.kind) == [.foreign, .cutOff])
        #expect(faults.map(\.line) == [2, 4])
    }

    @Test("A value of the wrong kind is an error with key, file and line")
    func wrongKind() throws {
        let log = try DetailLogContents(
            path: scratch.file("log.txt", line("a", "1") + line("effective_scenario", "7")),
            source: "log.txt"
        )
        let error = try #require(throws: DetailLogError.self) { try log.effectiveScenario }
        #expect("\(error)" == "log.txt:2: effective_scenario: expected a text, found 7")
        #expect(try log.resultValidity == nil)
        #expect(throws: DetailLogError.self) { try log.required("sut_name") }
    }

    @Test("No cut and no flipped byte makes the reader trap")
    func anyBytes() throws {
        let whole = Array((line("a", "\"x\"") + line("b", "inf")).utf8)
        for end in stride(from: 0, to: whole.count, by: 5) {
            var faults: [DetailLogError] = []
            let path = scratch.file("log.txt", Array(whole[..<end]))
            if let log = try? DetailLogContents(path: path, faults: &faults) { #expect(log.entries.count <= 2) }
        }
        for place in stride(from: 0, to: whole.count, by: 3) {
            var bytes = whole
            bytes[place] ^= 0x15
            var faults: [DetailLogError] = []
            _ = try? DetailLogContents(path: scratch.file("log.txt", bytes), faults: &faults)
        }
    }
}
