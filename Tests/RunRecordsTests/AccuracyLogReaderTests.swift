import Glibc
import Testing

@testable import RunRecords

@Suite struct AccuracyLogReaderTests {
    private let folder = ScratchFolder()

    private func entries(_ text: String) throws -> [AccuracyLogEntry] {
        var reader = try AccuracyLogReader(path: folder.file("log.json", text))
        var entries: [AccuracyLogEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private func fault(_ text: String) -> AccuracyLogError? {
        do {
            _ = try entries(text)
            return nil
        } catch {
            return error as? AccuracyLogError
        }
    }

    /// The forms that the official LoadGen writes: plain, with token counts, with first tokens.
    @Test func forms() throws {
        let text = """
            [
            { "seq_id" : 3, "qsl_idx" : 18446744073709551615, "data" : "00FFab10" },
            { "seq_id" : 4, "qsl_idx" : 1, "data" : "", "token_count" : 7 },
            {"seq_id":5,"qsl_idx":2,"data":"01","token_data":"0A0B","token_count":1,"note":"a \\"b\\"","more":-1.5e3}
            ]

            """
        #expect(
            try entries(text) == [
                AccuracyLogEntry(sequence: 3, index: .max, data: [0, 255, 171, 16]),
                AccuracyLogEntry(sequence: 4, index: 1, data: [], tokenCount: 7),
                AccuracyLogEntry(sequence: 5, index: 2, data: [1], tokenData: [10, 11], tokenCount: 1),
            ]
        )
        #expect(try entries("[\n]\n").isEmpty)
    }

    /// The recorded logs of the official LoadGen.
    @Test func officialLogs() throws {
        let here = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Golden"
        let root = (getenv("PODIUM_GOLDEN").map { String(cString: $0) } ?? here) + "/loadgen-golden/logs"
        var count = 0
        for name in Self.names(in: root) {
            let path = "\(root)/\(name)/mlperf_log_accuracy.json"
            guard access(path, R_OK) == 0 else { continue }
            var reader = try AccuracyLogReader(path: path)
            while try reader.next() != nil {}
            var digest = SHA256()
            digest.update(Self.bytes(path))
            #expect(reader.hash == digest.hexadecimal())
            count += 1
            print("golden loadgen-golden/logs/\(name)/mlperf_log_accuracy.json: passed (\(reader.entries) entries)")
        }
        if count == 0 { print("golden loadgen-golden/logs/*/mlperf_log_accuracy.json: not run (no such file)") }
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func bytes(_ path: String) -> [UInt8] {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let received = read(file, &piece, piece.count), received > 0 { bytes += piece[..<received] }
        return bytes
    }

    @Test(arguments: [
        ("", 0, 0, "cut off"), ("[", 1, 1, "cut off"), ("{}", 0, 0, "expected an array"),
        ("[{\"seq_id\":1,\"qsl_idx\":2,\"data\":\"0", 1, 34, "cut off"),
        ("[{\"seq_id\":1,\"qsl_idx\":2,\"data\":\"0\"}]", 1, 34, "odd number"),
        ("[{\"seq_id\":1,\"qsl_idx\":2,\"data\":\"0g\"}]", 1, 34, "hexadecimal digits only"),
        ("[{\"seq_id\":1,\"qsl_idx\":2}]", 1, 25, "no member data"),
        ("[{\"seq_id\":1,\"data\":\"\"}]", 1, 23, "no member qsl_idx"),
        ("[{\"qsl_idx\":1,\"data\":\"\"}]", 1, 24, "no member seq_id"), ("[{}]", 1, 2, "no members"),
        ("[{\"seq_id\":-1}]", 1, 11, "at least 0"), ("[{\"seq_id\":1.5}]", 1, 12, "whole number"),
        ("[{\"seq_id\":18446744073709551616}]", 1, 30, "beyond 64 bits"),
        ("[{\"seq_id\":1,\"seq_id\":1}]", 1, 22, "two members"),
        ("[{\"seq_id\":1,\"qsl_idx\":2,\"data\":\"\"}\n\n...\n\n", 1, 37, "truncated"),
        ("[{\"seq_id\":1,\"qsl_idx\":2,\"data\":\"\"}] x", 1, 37, "goes on"),
    ]) func badLogs(text: String, entry: Int, offset: UInt64, reason: String) throws {
        let found = try #require(fault(text))
        #expect(found.entry == entry && found.reason.contains(reason), "\(found)")
        #expect(found.offset == offset, "\(found)")
    }

    /// Cut anywhere, a log is an error that says so, and never a shorter log.
    @Test func cutAnywhere() throws {
        let text =
            "[\n{ \"seq_id\" : 0, \"qsl_idx\" : 5, \"data\" : \"0A0B0C0D\", \"token_count\" : 1 },\n"
            + "{ \"seq_id\" : 1, \"qsl_idx\" : 6, \"data\" : \"0A0B0C0D\", \"token_count\" : 1 }\n]\n"
        for length in 0..<text.utf8.count - 2 {
            #expect(fault(String(text.prefix(length)))?.reason.contains("cut off") == true, "\(length)")
        }
        #expect(try entries(text).count == 2)
    }

    @Test(arguments: [0, 4095, 4096, 5000, 8192, 20000]) func truncation(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 % 95 + 32) }
        let path = folder.file("mlperf_log_accuracy.json", bytes)
        let copy = try AccuracyLogTruncation.backUp(path, in: folder.path + "/full\(size)")
        #expect(Self.bytes(copy) == bytes)
        #expect(throws: AccuracyLogError.self) {
            try AccuracyLogTruncation.backUp(path, in: folder.path + "/full\(size)")
        }
        try AccuracyLogTruncation.truncate(path)
        let expected = size < 4096 ? bytes : bytes.prefix(4096) + Array("\n\n...\n\n".utf8) + bytes.suffix(4096)
        #expect(Self.bytes(path) == expected)
        unlink(copy)
        rmdir(folder.path + "/full\(size)")
    }
}
