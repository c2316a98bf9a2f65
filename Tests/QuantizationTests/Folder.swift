import FoundationEssentials
import JSON
import Numerics
import Quantization

/// Where golden data and fixtures lie, and folders for what a test writes.
enum Folder {
    static let golden =
        ProcessInfo.processInfo.environment["PODIUM_GOLDEN"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")
        .path

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

    static func withTemporary<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "podium-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try body(folder)
    }

    /// One file of tensors, each with its bytes.
    static func write(
        _ tensors: [(name: String, type: ElementType, shape: [Int], bytes: [UInt8])],
        to path: String
    ) throws {
        let writer = try SafetensorsWriter(
            path: path,
            tensors: tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) }
        )
        for tensor in tensors { try writer.append(tensor.bytes, to: tensor.name) }
        try writer.finish()
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    static func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
