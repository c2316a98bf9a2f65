import JSON
import PluginAPI

/// The texts that answers are compared with: member `output` or `reference` of each line of the data set's JSON Lines.
///
/// Only the places of the lines are kept; a text is read from the file when it is asked for.
final class ReferenceTexts: Sendable {
    private let path: String
    private let file: MappedFile
    /// First and last byte of each line that is not blank, and its number in the file.
    private let lines: [(bytes: Range<Int>, number: Int)]

    /// Finds the lines of the data set that `path` names, in any form of Dataset/README.md.
    ///
    /// - Parameters:
    ///   - path: The data set.
    ///   - count: How many samples it has.
    /// - Throws: `PluginError` or `JSONError` when it has another number of lines.
    init(dataset path: String, count: Int) throws {
        self.path = try Self.linesFile(path)
        file = try MappedFile(path: self.path)
        var lines: [(bytes: Range<Int>, number: Int)] = []
        lines.reserveCapacity(count)
        var start = 0
        var number = 0
        let bytes = file.bytes
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            number += 1
            let isBlank = bytes[start..<end].allSatisfy {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r")
            }
            if !isBlank { lines.append((start..<end, number)) }
            start = end + 1
        }
        self.lines = lines
        guard lines.count == count else {
            throw PluginError(
                .ioError,
                "\(self.path): has \(lines.count) lines, but the data set has \(count) samples"
            )
        }
    }

    /// The file of JSON Lines that belongs to a data set.
    private static func linesFile(_ path: String) throws -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let isDescription = name == "dataset.json"
        guard isDescription || FileSystem.isFolder(path) else { return path }
        let folder = isDescription ? String(path.dropLast(name.utf8.count)) : path + "/"
        let description = folder + "dataset.json"
        let field = JSONField(try JSON(contentsOfFile: description), at: description)["text"]["jsonl"]
        let lines = try field.string()
        guard !lines.isEmpty, !lines.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            throw field.error(expected: "the name of a file in the same folder")
        }
        return folder + lines
    }

    /// The text of a sample, UTF-8.
    ///
    /// - Parameter index: Below the number of samples.
    /// - Returns: Its bytes as the file has them.
    /// - Throws: `JSONError` that names the line; so it does where the line has no text.
    func text(_ index: Int) throws -> [UInt8] {
        let line = lines[index]
        let place = "\(path): line \(line.number)"
        let json = try JSON(parsing: UnsafeRawBufferPointer(rebasing: file.bytes[line.bytes]), source: place)
        let field = JSONField(json, at: place)
        guard let text = try field["output"].optional ?? field["reference"].optional else {
            throw field.error(
                "has neither a member output nor reference to compare an answer with; accuracy needs a data set with texts"
            )
        }
        return Array(try text.string().utf8)
    }
}
