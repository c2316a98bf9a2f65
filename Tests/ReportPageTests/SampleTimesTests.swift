import Glibc
import Numerics
@testable import ReportPage
import RunRecords
import Testing

@Suite struct SampleTimesTests {
    @Test func whatIsWrittenIsRead() throws {
        let scratch = ScratchFolder()
        var run = SyntheticRun.even(100_000)
        run.latency[7] = -1
        try run.write(to: scratch.path)
        let times = try SampleTimes(path: "\(scratch.path)/samples.safetensors")
        #expect(times.sampleCount == 100_000)
        #expect(times.header.scenario == "Server")
        #expect(try times.values(.scheduled) == run.scheduled)
        #expect(try times.values(.tokens) == run.tokens)
        #expect(try times.values(.libraryIndex) == (0..<100_000).map { Int64($0) })
        let completed = try times.values(.completed)
        #expect(completed[7] == -1)
        #expect(completed[8] == run.scheduled[8] + run.latency[8])
    }

    @Test func aFileCutAnywhereIsRefused() throws {
        let scratch = ScratchFolder()
        try SyntheticRun.even(50).write(to: scratch.path)
        let path = "\(scratch.path)/samples.safetensors"
        var status = stat()
        stat(path, &status)
        for size in [0, 4, 8, 100, Int(status.st_size) / 2, Int(status.st_size) - 1] {
            try SyntheticRun.even(50).write(to: scratch.path)
            truncate(path, size)
            #expect(throws: SafetensorsError.self, "\(size) bytes") { _ = try SampleTimes(path: path) }
            let page = try ReportPage(folders: [scratch.path]).html
            #expect(page.range(of: "There are no charts") != nil, "\(size) bytes")
            #expect(page.range(of: "class=\"chart\"") == nil)
        }
    }

    @Test func impossibleValuesAreNamed() throws {
        let scratch = ScratchFolder()
        var run = SyntheticRun.even(20)
        run.latency[3] = Int64.max / 2 + 1 << 61
        try run.write(to: scratch.path)
        let times = try SampleTimes(path: "\(scratch.path)/samples.safetensors")
        #expect {
            _ = try times.values(.completed)
        } throws: {
            "\($0)".range(of: "completed_ns: value 3 is") != nil
        }
    }

    @Test func countsThatDoNotFitAreRefused() throws {
        let scratch = ScratchFolder()
        let path = "\(scratch.path)/x.safetensors"
        let header = SampleTimes.Header(
            scenario: "Server",
            mode: "PerformanceOnly",
            queryCount: Int.max,
            samplesPerQuery: 2
        )
        #expect(throws: SafetensorsError.self) { try SampleTimes.write(to: path, header: header) { _, _, _ in } }
        #expect(ScratchFolder.names(in: scratch.path).isEmpty)
        let writer = try SafetensorsWriter(path: path, tensors: [], metadata: ["format": "1"])
        try writer.finish()
        #expect(throws: SafetensorsError.self) { _ = try SampleTimes(path: path) }
    }
}
