import Glibc
import JSON
import Testing

/// A change of the recorded tree, as Fixtures/mutations.json describes it; record_verdicts.py makes the same change.
struct Mutation: Sendable, CustomTestStringConvertible {
    let name: String
    let round: String
    let edits: [[JSON]]

    var testDescription: String { name }

    static let all: [Mutation] = {
        guard let list = try? JSON(contentsOfFile: "\(TestTree.fixtures)/mutations.json"), case .array(let rows) = list
        else { return [] }
        return rows.compactMap { row in
            guard case .string(let name)? = row["name"], case .string(let round)? = row["round"],
                case .array(let edits)? = row["edits"]
            else { return nil }
            return Mutation(
                name: name,
                round: round,
                edits: edits.map { edit in
                    guard case .array(let words) = edit else { return [] }
                    return words
                }
            )
        }
    }()

    private static let closed = "closed/Tester/results/1xTestnode"
    private static let roots = [
        "L": "\(closed)/llama2-70b-99.9", "G": "\(closed)/gpt-oss-120b", "W": "\(closed)/wan-2.2-t2v-a14b", "R": closed,
        "O": "open/Tester/results/1xTestnode/llama2-70b-99.9", "C": "closed/Tester", "D": "open/Tester", "T": ".",
    ]
    private static let files = [
        "@performance": "performance/run_1/mlperf_log_detail.txt", "@accuracy": "accuracy/mlperf_log_detail.txt",
        "@score": "accuracy/accuracy.txt", "@system": "systems/1xTestnode.json",
    ]

    static func place(_ root: String, _ path: String) -> String {
        var parts = path.split(separator: "/").map(String.init)
        parts[0] = roots[parts[0]] ?? parts[0]
        if let file = files[parts[parts.count - 1]] { parts[parts.count - 1] = file }
        return ([root] + parts).joined(separator: "/")
    }

    /// Makes the change in a tree.
    func apply(to root: String) throws {
        for edit in edits { try apply(edit, root) }
    }

    private func apply(_ edit: [JSON], _ root: String) throws {
        let words = edit.map { word in
            if case .string(let text) = word { return text }
            return word.text()
        }
        if words[0] == "set everywhere" {
            for file in TestTree.files(below: root) where file.hasSuffix("/mlperf_log_detail.txt") {
                try changeLines(file, words[1], words[2])
            }
            return
        }
        let path = Self.place(root, words[1])
        switch words[0] {
        case "set": try changeLines(path, words[2], words[3])
        case "drop": try changeLines(path, words[2], nil)
        case "replace":
            let parts = TestTree.text(path).split(separator: words[2], maxSplits: 1, omittingEmptySubsequences: false)
            try #require(parts.count == 2, "\(path) has no \(words[2])")
            TestTree.write(path, Array("\(parts[0])\(words[3])\(parts[1])".utf8))
        case "write": TestTree.write(path, Array(words[2].utf8))
        case "append": TestTree.write(path, TestTree.read(path) + words[2].utf8)
        case "remove": TestTree.remove(path)
        case "move": try #require(rename(path, Self.place(root, words[2])) == 0)
        case "copy": TestTree.copy(path, Self.place(root, words[2]))
        case "cut": TestTree.write(path, Array(TestTree.read(path).prefix(try #require(Int(words[2])))))
        case "grow":
            let bytes = TestTree.read(path)
            TestTree.write(path, bytes + repeatElement(0x20, count: try #require(Int(words[2])) - bytes.count))
        case "byte": TestTree.write(path, TestTree.read(path) + [UInt8(try #require(Int(words[2])))])
        case "link": try #require(symlink(words[2], path) == 0)
        case "folder": TestTree.makeFolder(path)
        default: Issue.record("unknown edit \(words[0])")
        }
    }

    private func changeLines(_ path: String, _ key: String, _ value: String?) throws {
        var lines: [String] = []
        var isChanged = false
        for line in TestTree.text(path).split(separator: "\n") {
            guard line.contains("\"key\": \"\(key)\", ") else {
                lines.append(String(line))
                continue
            }
            isChanged = true
            guard let value else { continue }
            let start = try #require(line.firstRange(of: "\"value\": "))
            let end = try #require(line.firstRange(of: ", \"time_ms\""))
            lines.append("\(line[..<start.upperBound])\(value)\(line[end.lowerBound...])")
        }
        try #require(isChanged, "no line of \(path) has \(key)")
        TestTree.write(path, Array((lines.joined(separator: "\n") + "\n").utf8))
    }
}
