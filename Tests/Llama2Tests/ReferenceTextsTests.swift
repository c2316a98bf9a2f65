import JSON
import Testing

@testable import Llama2

/// The texts that answers are compared with, from every form of data set.
@Suite struct ReferenceTextsTests {
    /// The column `output` of the pickles that the converter read.
    @Test func convertedFolder() throws {
        let root = GoldenCheckpoint.root + "/dataset-samples"
        guard FileSystemProbe.has(root + "/open_orca.converted/dataset.json") else {
            return print("golden dataset-samples/open_orca.converted texts: not run (no such folder)")
        }
        let expected = JSONField(try JSON(contentsOfFile: root + "/expected.json"), at: root + "/expected.json")
        let rows = try expected["open_orca"].array().map { try $0["output"].string() }
        for path in ["", "/", "/dataset.json"].map({ root + "/open_orca.converted" + $0 }) {
            let texts = try ReferenceTexts(dataset: path, count: rows.count)
            for (index, row) in rows.enumerated() {
                #expect(String(decoding: try texts.text(index), as: UTF8.self) == row, "\(path)")
            }
        }
        print("golden dataset-samples/open_orca.converted texts: passed worst=0 tolerance=0")
    }

    @Test func jsonLines() throws {
        let scratch = try ScratchCheckpoint(of: try #require(GoldenCheckpoint.own.first).folder)
        let lines = [
            "{\"text\": \"a\", \"reference\": \" b \\u00e9\"}", "  ",
            "{\"input_ids\": [1], \"output\": \"c\", \"reference\": \"d\"}",
            "{\"text\": \"no text\"}", "{\"output\": 3}", "{",
        ]
        try scratch.write("lines.jsonl", Array(lines.joined(separator: "\n").utf8))
        let path = scratch.folder + "/lines.jsonl"
        let texts = try ReferenceTexts(dataset: path, count: 5)
        #expect(String(decoding: try texts.text(0), as: UTF8.self) == " b \u{E9}")
        #expect(String(decoding: try texts.text(1), as: UTF8.self) == "c")
        for (index, line) in [(2, "line 4"), (3, "line 5"), (4, "line 6")] {
            do {
                _ = try texts.text(index)
                Issue.record("\(line) has no text, but was accepted")
            } catch {
                #expect("\(error)".contains(line), "\(error)")
            }
        }
        #expect(throws: (any Error).self) { try ReferenceTexts(dataset: path, count: 4) }
        #expect(throws: (any Error).self) { try ReferenceTexts(dataset: path + "x", count: 5) }
    }

    /// Python: `len(text.strip())`.
    @Test(arguments: [
        ("", 0), ("  ", 0), (" \u{3000}a b\u{1C}\n", 3), ("\u{200B}a\u{200B}", 3), ("e\u{301}\u{1F600}", 3),
    ]) func strippedLength(text: String, expected: Int) {
        #expect(StrippedText.count(Array(text.utf8)) == expected)
    }
}
