import FoundationEssentials
import Testing

@testable import JSON

@Suite struct FileTests {
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "podium-\(UUID().uuidString).json").path
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func linesOfEveryKind() throws {
        let long = String(repeating: "x", count: 600_000)
        let text = "{\"a\": 1}\n\n  \r\n[2]\r\n\"\(long)\"\n3"
        try withFile(Array(text.utf8)) { path in
            var lines = try JSONLines(contentsOfFile: path)
            var found: [(Int, JSON)] = []
            while let value = try lines.next() { found.append((lines.line, value)) }
            #expect(found.map(\.0) == [1, 4, 5, 6])
            #expect(found.map(\.1) == [["a": 1], [2], .string(long), 3])
        }
    }

    @Test func errorsInLinesNameTheLine() throws {
        try withFile(Array("1\n\n{\"a\": }\n".utf8)) { path in
            var lines = try JSONLines(contentsOfFile: path, source: "samples.jsonl")
            #expect(try lines.next() == 1)
            let error = #expect(throws: JSONError.self) { _ = try lines.next() }
            #expect(
                error?.description == "samples.jsonl: line 3: column 7: expected a JSON value"
            )
        }
        try withFile(Array("{\"a\": \"x\"}\n".utf8)) { path in
            var lines = try JSONLines(contentsOfFile: path, source: "samples.jsonl")
            let field = try #require(try lines.nextField())
            let error = #expect(throws: JSONError.self) { try field["a"].int() }
            #expect(error?.description == "samples.jsonl: line 1: a: expected an integer, found \"x\"")
        }
    }

    @Test func missingFilesAndFolders() {
        let missing = #expect(throws: JSONError.self) { try JSON(contentsOfFile: "/nonexistent/config.json") }
        #expect(missing?.description == "/nonexistent/config.json: cannot be opened: No such file or directory")
        let folder = #expect(throws: JSONError.self) { try JSON(contentsOfFile: "/", source: "config.json") }
        #expect(folder?.description == "config.json: is not a regular file")
    }

    @Test func wholeFile() throws {
        try withFile(Array("[1, 2]".utf8)) { path in
            let value = try JSON(contentsOfFile: path)
            #expect(value == [1, 2])
        }
    }
}
